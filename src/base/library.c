/* SPDX-License-Identifier: MIT */
/* Libraries that are loaded when they are first needed. */
#include "base/library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"

static int fail(const struct keg_library *library)
{
	const char *reason = dlerror();

	return keg_fail(ENOTSUP, "%s cannot be used: %s; Debian's package %s has it", library->name,
		reason ? reason : "the loader does not say why", library->package);
}

/* All at once: a function that is found to be missing when it is called ends the program. And for
 * keg alone: the program may have another version of it. */
static void *load(const struct keg_library *library)
{
	return dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
}

int keg_library_open(const struct keg_library *library, void **handle, void *functions)
{
	unsigned char *to = functions;
	void *function;

	*handle = load(library);
	if (!*handle)
		return fail(library);
	for (const char *const *name = library->functions; *name; name++) {
		function = dlsym(*handle, *name);
		if (!function) {
			int rc = fail(library);

			keg_library_close(*handle);
			*handle = NULL;
			return rc;
		}
		/* POSIX, dlsym(): a pointer to a function is like one to an object. */
		memcpy(to, &function, sizeof(function));
		to += sizeof(function);
	}
	return 0;
}

void *keg_library_find(void *handle, const char *name)
{
	return dlsym(handle, name);
}

void keg_library_close(void *handle)
{
	if (handle)
		dlclose(handle);
}

bool keg_library_is_there(const struct keg_library *library)
{
	void *handle = load(library);

	keg_library_close(handle);
	return handle;
}
