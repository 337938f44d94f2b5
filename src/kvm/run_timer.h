/* SPDX-License-Identifier: MIT */
/* The timer that ends a run in time, and the handler of the signal that it shares with kicks. */
#ifndef KEG_KVM_RUN_TIMER_H
#define KEG_KVM_RUN_TIMER_H

#include <signal.h>

/* Does next to nothing: a signal's arrival alone interrupts KVM_RUN. */
void keg_on_kick_signal(int signo, siginfo_t *info, void *context);

#endif
