/* SPDX-License-Identifier: MIT */
/* libslirp, which is loaded when a network is made; and the network that it has made. */
#ifndef KEG_NET_USER_SLIRP_H
#define KEG_NET_USER_SLIRP_H

#include <slirp/libslirp.h>

#include "base/library.h"

#define KEG_SLIRP_FUNCTIONS(FUNCTION)                                                              \
	FUNCTION(slirp_new)                                                                        \
	FUNCTION(slirp_cleanup)                                                                    \
	FUNCTION(slirp_add_hostfwd)                                                                \
	FUNCTION(slirp_input)                                                                      \
	FUNCTION(slirp_pollfds_fill)                                                               \
	FUNCTION(slirp_pollfds_poll)                                                               \
	FUNCTION(slirp_version_string)

struct keg_libslirp {
	KEG_SLIRP_FUNCTIONS(KEG_LIBRARY_POINTER)
};

struct keg_user_slirp {
	void *handle;
	struct keg_libslirp lib;
	Slirp *slirp;
	unsigned int log; /* what GLib calls the one that hears of libslirp's complaints; or 0 */
};

/* A guest makes libslirp complain as often as it likes: nobody is to hear of it. After the library
 * was opened, and before it is closed. */
void keg_user_log_hush(struct keg_user_slirp *slirp);
void keg_user_log_restore(struct keg_user_slirp *slirp);

#endif
