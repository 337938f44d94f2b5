/* SPDX-License-Identifier: MIT */
/* Linux's command line: words that keg adds, so that the short form of a command works. */
#ifndef KEG_CLI_LINUX_LINE_H
#define KEG_CLI_LINUX_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <keg/boot.h>

/* Whether an image is a Linux kernel, if it is loaded as that kind. */
bool linux_is_kernel(enum keg_image_kind kind, const void *image, size_t bytes);

/* What the words depend on. */
struct linux_machine {
	bool virtio_console;
	bool mmio;      /* its virtio devices are found by MMIO: there is no PCI */
	bool root_disk; /* there is a disk, and nothing else to be the root file system */
	bool root_readonly;
};

/* A word, and why it is there. */
struct linux_word {
	const char *word, *why;
};

/* The words that are to go before `append`, which has the last word: `append` may name the same
 * things itself. Returns how many of `words` were filled. */
enum { LINUX_WORDS = 8 };
size_t linux_default_words(const struct linux_machine *machine, const char *append,
	struct linux_word words[LINUX_WORDS]);

#endif
