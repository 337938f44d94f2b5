#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/synopsis refuses manual pages that do not have what the headers have.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

synopsis() { "$root/tools/synopsis" --root "$tree"; }

# One header with one of everything, and its page.
put_both() {
	put include/keg/a.h <<-'EOF'
		#define KEG_A_H
		#define KEG_API __attribute__((visibility("default")))
		#define KEG_A_BITS(n) (1 << (n))
		enum keg_a_kind {
			KEG_A_FIRST, /* the first */
			KEG_A_LAST = 9,
		};
		struct keg_a_config {
			size_t size; /* bytes */
			union {
				int one;
			};
		};
		typedef void keg_a_handler(void *context);
		KEG_API int keg_a(
			const struct keg_a_config *config, keg_a_handler *handler);
		static inline int keg_a_none(void)
		{
			return 0;
		}
	EOF
	put man/keg_a.h.3 <<-'EOF'
		.Sh SYNOPSIS
		.Ft typedef void
		.Fn keg_a_handler "void *context"
		.Ft int
		.Fo keg_a
		.Fa "const struct keg_a_config *config"
		.Fa "keg_a_handler *handler"
		.Fc
		.Ft int
		.Fn keg_a_none void
		.Sh DESCRIPTION
		.Dv KEG_API KEG_A_FIRST KEG_A_LAST
		.Fn KEG_A_BITS n
		.Bd -literal
		struct keg_a_config {
			size_t size; /* another comment */
			union {
				int one;
			};
		};
		.Ed
	EOF
}

# refused WORDS FILE EXPRESSION: changes the file with sed, and expects the refusal.
refused() {
	put_both
	sed -i "$3" "$tree/$2"
	expect_refusal "$3" "$1" synopsis
}

put_both
expect_ok 'a page that has all' synopsis
refused 'SYNOPSIS lacks keg_a_none' man/keg_a.h.3 '/^.Fn keg_a_none/d'
refused 'SYNOPSIS lacks keg_a_handler' man/keg_a.h.3 '/^.Fn keg_a_handler/d'
refused 'SYNOPSIS has int keg_a(' man/keg_a.h.3 's/"const struct/"struct/'
refused 'SYNOPSIS has long keg_a_none(void), the header int' man/keg_a.h.3 \
	's/^.Fn keg_a_none/.Ft long\n&/'
refused 'has keg_b, which its header does not declare' man/keg_a.h.3 's/^.Fc/.Fc\n.Fn keg_b void/'
refused 'SYNOPSIS has a function twice' man/keg_a.h.3 's/^.Fc/.Fc\n.Fn keg_a_none void/'
refused 'struct keg_a_config is not defined as in the header' man/keg_a.h.3 's/int one/int two/'
refused 'KEG_A_LAST is missing' man/keg_a.h.3 's/KEG_A_LAST//'
refused 'KEG_A_BITS is missing' man/keg_a.h.3 '/KEG_A_BITS/d'
refused 'SYNOPSIS lacks keg_new' include/keg/a.h 's/^KEG_API/KEG_API int keg_new(void);\n&/'

put_both
mv "$tree/man/keg_a.h.3" "$tree/man/keg_b.h.3"
expect_refusal 'no page' 'include/keg/a.h: there is no man/keg_a.h.3' synopsis
expect_refusal 'no header' 'man/keg_b.h.3: has functions, and is the page of no header' synopsis
expect_output 'links' $'keg_a keg_b.h.3\nkeg_a_none keg_b.h.3' \
	"$root/tools/synopsis" --links "$tree/man/keg_b.h.3"

finish
