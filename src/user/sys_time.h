/* SPDX-License-Identifier: MIT */
/* The handlers behind keg_syscalls_time that sys_timer.c and sys_timerfd.c have. */
#ifndef KEG_USER_SYS_TIME_H
#define KEG_USER_SYS_TIME_H

#include "user/syscall.h"

keg_syscall_function keg_sys_getitimer, keg_sys_setitimer, keg_sys_alarm, keg_sys_timer_create,
	keg_sys_timer_settime, keg_sys_timer_gettime, keg_sys_timer_getoverrun,
	keg_sys_timer_delete;
keg_syscall_function keg_sys_timerfd_create, keg_sys_timerfd_settime, keg_sys_timerfd_gettime;

#endif
