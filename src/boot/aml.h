/* SPDX-License-Identifier: MIT */
/*
 * An encoder for the ACPI machine language (ACPI 6.4, chapter 20), as much of it as describing
 * devices needs. What has a length is begun and ended; the length is put in front at its end.
 * Failures are kept until keg_aml_finish().
 *
 * Threads: one at a time.
 */
#ifndef KEG_BOOT_AML_H
#define KEG_BOOT_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEG_AML_DEPTH = 8 };

struct keg_aml {
	uint8_t *bytes;
	size_t size, used;
	int error; /* the first: ENOSPC, or EINVAL for what cannot be encoded */
	/* What is begun and not ended. */
	unsigned depth;
	struct {
		size_t start;   /* of what the length covers */
		bool resources; /* a buffer, of whose bytes the count stands in front, too */
	} open[KEG_AML_DEPTH];
};

void keg_aml_init(struct keg_aml *aml, void *bytes, size_t size);

/* How many bytes there are. -ENOSPC they did not fit; -EINVAL an error of the caller. No message */
int keg_aml_finish(const struct keg_aml *aml);

/* Names have four characters, shorter ones with '_' at the end; a scope's may begin with '\'. */
void keg_aml_begin_scope(struct keg_aml *aml, const char *name);
void keg_aml_begin_device(struct keg_aml *aml, const char *name);
void keg_aml_begin_package(struct keg_aml *aml, uint8_t elements);
void keg_aml_begin_resources(struct keg_aml *aml); /* a buffer of resource descriptors */
void keg_aml_end(struct keg_aml *aml);

void keg_aml_name(struct keg_aml *aml, const char *name); /* of the object that comes next */
void keg_aml_integer(struct keg_aml *aml, uint64_t value);
void keg_aml_string(struct keg_aml *aml, const char *text); /* ASCII */
void keg_aml_eisa_id(struct keg_aml *aml, const char *id);  /* "PNP0A08" */

/* Resource descriptors (ACPI 6.4, section 6.4). Ranges are [first, last]. */
void keg_aml_io(struct keg_aml *aml, uint16_t port, uint8_t ports);
void keg_aml_irq(struct keg_aml *aml, uint8_t irq); /* below 16; edge-triggered */
void keg_aml_interrupt(struct keg_aml *aml, uint32_t gsi, bool edge);
void keg_aml_memory(struct keg_aml *aml, uint32_t address, uint32_t bytes);
/* What a bridge passes on. */
void keg_aml_bus_window(struct keg_aml *aml, uint8_t first, uint8_t last);
void keg_aml_port_window(struct keg_aml *aml, uint16_t first, uint16_t last);
void keg_aml_memory_window(struct keg_aml *aml, uint64_t first, uint64_t last);

#endif
