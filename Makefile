# SPDX-License-Identifier: MIT
# The commands to remember; the build itself is Meson's, the work is done in tools/.

.DEFAULT_GOAL := all
.PHONY: all run shell check lint bench fuzz coverage install clean help

all: ## build/keg, build/libkeg.so and build/libkeg.a (CC and CFLAGS are respected)
	@tools/configure build
	@ninja -C build

run: ## install what is missing, build, boot Debian's kernel with a disk and a network
	@tools/run

shell: ## the same, with a prompt in the guest
	@tools/run --shell

check: ## install what is missing, build, run every test (tools/check --help: some of them)
	@tools/deps build check fuzz lint programs || { tools/lab --install; exit 1; }
	@tools/check

lint: ## check the sources: layers, sizes, format, clang-tidy, cppcheck ... (tools/lint --help)
	@tools/lint

bench: all ## measure against bare ioctls, programs outside, and QEMU's guests (tools/bench --help)
	@tools/bench

fuzz: ## fuzz what reads hostile input, a minute each (tools/fuzz --help)
	@tools/fuzz

coverage: ## line and branch coverage of src/base, src/kvm and src/mem
	@tools/coverage

install: all ## install (prefix=/usr/local; DESTDIR is respected)
	@$(if $(prefix),meson configure build -Dprefix=$(prefix))
	@meson install -C build

clean: ## remove what was built
	rm -rf $(foreach kind,asan ndebug arm64 cov fuzz bench,build-$(kind)) build

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' $(MAKEFILE_LIST) | \
		while read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done
