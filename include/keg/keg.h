/* SPDX-License-Identifier: MIT */
/* The whole of libkeg's interface. Each header it includes can be included on its own. */
#ifndef KEG_KEG_H
#define KEG_KEG_H

#include <keg/board.h>
#include <keg/boot.h>
#include <keg/bus.h>
#include <keg/device.h>
#include <keg/disk.h>
#include <keg/error.h>
#include <keg/host.h>
#include <keg/irq.h>
#include <keg/mem.h>
#include <keg/net.h>
#include <keg/slot.h>
#include <keg/vcpu.h>
#include <keg/vm.h>
#ifdef __x86_64__
#include <keg/user.h>
#include <keg/x86.h>
#endif
#ifdef __aarch64__
#include <keg/arm64.h>
#endif

#endif
