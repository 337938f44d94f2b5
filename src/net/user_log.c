/* SPDX-License-Identifier: MIT */
/*
 * What libslirp complains of, it says through GLib, which writes it to standard error: a guest
 * could fill a log with it. GLib's header is not needed to build keg, so what is used of it is
 * declared here (GLib 2.74 reference, "Message Logging").
 */
#include "base/library.h"

#if KEG_HAS_SLIRP

#include <string.h>

#include "net/user_slirp.h"

#define DOMAIN "Slirp"

enum { ALL_LEVELS = ~3 }; /* but for the two lowest bits, which are flags */

typedef void log_function(const char *domain, int level, const char *message, void *context);
typedef unsigned int set_handler(
	const char *domain, int levels, log_function *function, void *context);
typedef void remove_handler(const char *domain, unsigned int handler);

static void ignore(const char *domain, int level, const char *message, void *context)
{
	(void)domain;
	(void)level;
	(void)message;
	(void)context;
}

void keg_user_log_hush(struct keg_user_slirp *slirp)
{
	void *found = keg_library_find(slirp->handle, "g_log_set_handler");
	set_handler *set;

	/* A libslirp that is built without GLib writes by itself, if at all. */
	if (!found)
		return;
	memcpy(&set, &found, sizeof(set));
	slirp->log = set(DOMAIN, ALL_LEVELS, ignore, NULL);
}

void keg_user_log_restore(struct keg_user_slirp *slirp)
{
	void *found = slirp->log ? keg_library_find(slirp->handle, "g_log_remove_handler") : NULL;
	remove_handler *remove;

	if (!found)
		return;
	memcpy(&remove, &found, sizeof(remove));
	remove(DOMAIN, slirp->log);
	slirp->log = 0;
}

#endif
