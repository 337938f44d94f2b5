/* SPDX-License-Identifier: MIT */
/*
 * A board: a whole machine, put together and ready to run an image. On x86-64 it is a small PC, on
 * arm64 a small board with a GICv3 and a PL011.
 *
 * The PC: memory from 0, with a hole from 3 GiB to 4 GiB; in-kernel PICs, I/O APIC, local APICs and
 * PIT; a 16550 serial port at 0x3f8, interrupt 4; the debug-exit port 0xf4; power-off at 0x604;
 * reset at 0x64 and 0xcf9. vCPU 0 begins at the image; the others wait for INIT and SIPI.
 *
 * Threads: keg_board_run() blocks; keg_board_stop() and keg_board_console_input() may be called
 * from any other thread meanwhile.
 */
#ifndef KEG_BOARD_H
#define KEG_BOARD_H

#include <sys/types.h>

#include <keg/boot.h>
#include <keg/bus.h>
#include <keg/disk.h>
#include <keg/host.h>
#include <keg/net.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_board;

/* What the guest writes to its serial port. In a vCPU's thread; must not block for long. */
typedef void keg_console_output(void *context, const void *bytes, size_t count);

/* There is room for input again, after keg_board_console_input() had too little. In any thread. */
typedef void keg_console_room(void *context);

/* A port of the machine's virtio console. Port 0 is a terminal (hvc0), the others are channels
 * (/dev/virtio-ports/NAME in a Linux guest). */
struct keg_port_config {
	size_t size;      /* sizeof(struct keg_port_config) */
	const char *name; /* 31 bytes at most */
	keg_console_output *output;
	keg_console_room *room; /* may be NULL */
	void *context;
};

enum keg_board_flags {
	KEG_BOARD_MMIO = 1 << 0,           /* virtio devices by MMIO in place of PCI */
	KEG_BOARD_SPLIT_IRQCHIP = 1 << 1,  /* x86: the I/O APIC in this process */
	KEG_BOARD_TEST_DEVICES = 1 << 2,   /* x86: what test suites of hypervisors expect */
	KEG_BOARD_NO_ENTROPY = 1 << 3,     /* no virtio entropy device */
	KEG_BOARD_LIST_UNCLAIMED = 1 << 4, /* note which addresses nobody claims */
};

/*
 * CPU models, on x86: "host" has what the hardware and KVM support, but for what lets a guest have
 * guests of its own (vmx, svm); "max" has that, too, and what KVM only emulates. Features are
 * switched one by one behind that, ",+NAME" and ",-NAME", by keg_x86_find_feature()'s names; the
 * last switch of one counts. What cannot do without a feature that is off is switched off as well,
 * with a keg_board_note(). On arm64 there is "host" only.
 */
struct keg_board_config {
	size_t size;           /* sizeof(struct keg_board_config) */
	uint64_t memory_bytes; /* a multiple of 4096; 0 for 256 MiB */
	uint32_t cpus;         /* 0 for 1 */
	int kick_signal;       /* made ready with keg_kick_install(); needed */
	bool statistics;       /* measure times: keg_board_get_stats() */
	const struct keg_boot_config *boot;
	keg_console_output *console_output; /* may be NULL */
	keg_console_room *console_room;     /* may be NULL */
	void *console_context;
	uint32_t flags;        /* of enum keg_board_flags */
	const char *cpu_model; /* x86: "host", "max", "host,-avx512f"; NULL for "host" */
	/* Arrays of pointers, and what they point to, borrowed during the call. */
	const struct keg_disk_config *const *disks;
	size_t disk_count;
	const struct keg_net_config *const *nets;
	size_t net_count;
	const struct keg_port_config *const *ports; /* any: the machine has a virtio console */
	size_t port_count;
};

/* Why a board's run ended. */
enum keg_end {
	KEG_END_POWER_OFF,
	KEG_END_RESET,        /* the guest asked to be reset */
	KEG_END_HALTED,       /* every vCPU waits for what can never come */
	KEG_END_TRIPLE_FAULT, /* x86 */
	KEG_END_DEBUG_EXIT,   /* `status` is (value << 1) | 1 */
	KEG_END_STOPPED,      /* keg_board_stop() */
	KEG_END_FAULT,        /* KVM could not go on with the guest; `message` says why */
	KEG_END_PANIC,        /* the guest's kernel has panicked, and said so (pvpanic) */
};

struct keg_board_result {
	enum keg_end end;
	uint32_t status;   /* KEG_END_DEBUG_EXIT; else 0 */
	uint32_t vcpu;     /* whose doing it was */
	char message[256]; /* one sentence, always */
};

/*
 * Makes a board and loads its image. *board borrows the host. -EINVAL the configuration; -ENOTSUP
 * KVM does not support a feature that `cpu_model` switches on; -ENOMEM; and what keg_vm_create(),
 * keg_mem_add(), keg_boot_load() and keg_vcpu_create() say
 */
KEG_API int keg_board_create(
	struct keg_host *host, const struct keg_board_config *config, struct keg_board **board);

/* Releases a board that does not run. NULL is allowed. */
KEG_API void keg_board_destroy(struct keg_board *board);

/*
 * Runs the board, each vCPU in a thread of its own, until it ends. 0 whatever the guest did; a
 * negative errno if the host failed. Once for each board.
 */
KEG_API int keg_board_run(struct keg_board *board, struct keg_board_result *result);

/* Ends the run, now or as soon as it begins. */
KEG_API void keg_board_stop(struct keg_board *board);

/*
 * Bytes for the guest's serial port. Returns how many there was room for. If that is not all,
 * `console_room` is called once there is room again.
 */
KEG_API size_t keg_board_console_input(struct keg_board *board, const void *bytes, size_t count);

/* The same for a port of the virtio console. -ENOENT there is no such port */
KEG_API ssize_t keg_board_port_input(
	struct keg_board *board, size_t port, const void *bytes, size_t count);

/* Tells the guest how large the terminal of port 0 is, in characters. */
KEG_API int keg_board_resize_console(struct keg_board *board, uint16_t columns, uint16_t rows);

/* Presses the power button: the guest may power off, or not. -ENOTSUP the board has none */
KEG_API int keg_board_press_power(struct keg_board *board);

/*
 * What did not go as asked but was worked around, a sentence each: a feature that KVM refused, an
 * MSR it did not take. The `index`-th, or NULL after the last; the board's.
 */
KEG_API const char *keg_board_note(const struct keg_board *board, size_t index);

/* What a virtio device has done. */
struct keg_device_stats {
	char name[32]; /* "disk0", "net0", "console", "entropy" */
	uint64_t requests, errors;
	uint64_t bytes_in, bytes_out; /* from the guest's point of view: received, sent */
	uint64_t notifications;       /* that came as an exit */
	uint64_t interrupts;
	char broken[160]; /* why it needs a reset; "" if it does not */
};

/* The statistics of the `index`-th device. -ENOENT after the last */
KEG_API int keg_board_get_device_stats(
	struct keg_board *board, size_t index, struct keg_device_stats *stats);

/* An address that nobody claims (KEG_BOARD_LIST_UNCLAIMED): the `index`-th. -ENOENT after the last,
 * of which there are at most 256 */
struct keg_unclaimed {
	bool port;
	uint64_t address;
	uint64_t reads, writes;
};
KEG_API int keg_board_get_unclaimed(
	struct keg_board *board, size_t index, struct keg_unclaimed *unclaimed);

/* Exits by reason, all vCPUs together. */
struct keg_exit_stat {
	uint32_t reason;
	uint64_t count;
	uint64_t guest_ns;  /* in KVM_RUN until the exit; 0 unless measured */
	uint64_t handle_ns; /* handling it; 0 unless measured */
};

struct keg_board_stats {
	struct keg_exit_stat exits[64]; /* those that happened, the most frequent first */
	size_t exit_kinds;              /* how many of them there are */
	uint64_t unclaimed_ports, unclaimed_memory; /* accesses that no device answered */
	uint64_t create_ns, run_ns; /* keg_board_create() and keg_board_run(), real time */
	uint64_t load_ns;           /* of create_ns, loading the image: unpacking it, too */
	uint64_t first_entry_ns;    /* CLOCK_MONOTONIC when the first vCPU entered the guest */
};
KEG_API void keg_board_get_stats(struct keg_board *board, struct keg_board_stats *stats);

/* How fast guest kernel code runs on this host, measured. */
struct keg_guest_speed {
	double guest_mips; /* millions of instructions a second, a tight loop in the guest's kernel
			      mode */
	double host_mips;  /* the same loop in this process */
	bool native;       /* the guest's is of the host's order; else KVM emulates it */
};

/*
 * Measures for about `ms` milliseconds (1 to 10000), up to five times: until the guest's is native.
 * `kick_signal` as above.
 */
KEG_API int keg_measure_guest_speed(
	struct keg_host *host, int kick_signal, uint32_t ms, struct keg_guest_speed *speed);

#ifdef __cplusplus
}
#endif

#endif
