/* SPDX-License-Identifier: MIT */
/*
 * Path walking. First the whole path at once, which is right where no link is in it; then, from
 * where a link may be, component by component.
 */
#include "user/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "user/task.h"

enum {
	MOST_LINKS = 40,  /* as Linux's MAXSYMLINKS */
	LOOK_UP_AT = 128, /* steps after which somebody may want the task for something else */
};

void keg_walk_leave(struct keg_walk_state *walk)
{
	if (walk->directory >= 0)
		close(walk->directory);
	walk->directory = -1;
}

/* ---- A step ---- */

static int push(struct keg_walk_state *walk, const char *component, size_t length)
{
	if (length > NAME_MAX || walk->length + 1 + length >= PATH_MAX)
		return -ENAMETOOLONG;
	walk->place->path[walk->length++] = '/';
	memcpy(walk->place->path + walk->length, component, length);
	walk->length += length;
	walk->place->path[walk->length] = '\0';
	return 0;
}

static void pop(struct keg_walk_state *walk)
{
	while (walk->length && walk->place->path[--walk->length] != '/')
		;
	walk->place->path[walk->length] = '\0';
}

/* What is open of the last place looked at becomes the directory to go on from, or is closed. */
static void enter(struct keg_walk_state *walk)
{
	keg_walk_leave(walk);
	walk->directory = walk->place->fd;
	walk->place->fd = -1;
}

/* The link's text goes in front of what is left; the walk goes on from where the link is. */
static int follow(struct keg_walk_state *walk)
{
	char to[PATH_MAX];
	size_t length;
	int r = ++walk->links > MOST_LINKS ? -ELOOP : keg_walk_read_link(walk, to);

	keg_place_end(walk->place);
	if (r)
		return r;
	length = strlen(to);
	if (length + 1 > (size_t)(walk->rest - walk->buffer))
		return -ENAMETOOLONG;
	if (*walk->rest)
		*--walk->rest = '/';
	walk->rest -= length;
	memcpy(walk->rest, to, length);
	if (to[0] == '/') {
		keg_walk_leave(walk);
		walk->length = 0;
		walk->place->path[0] = '\0';
	} else {
		pop(walk);
	}
	return 0;
}

enum {
	GOES_ON, /* step by step */
	ENDS,
	MOVED, /* from here on it may be quick again */
};

static int take_link(struct keg_walk_state *walk, bool last)
{
	int r;

	/* A slash stays behind what the link leads to. */
	if (last && walk->place->slash)
		walk->rest--;
	r = follow(walk);
	if (r != -EXDEV)
		return r ? r : MOVED;
	r = last ? keg_walk_be_descriptor(walk) : -ENOTDIR;
	return r ? r : ENDS;
}

/* Whether the last component is followed, if it is a link. */
static bool follows(const struct keg_walk_state *walk)
{
	return walk->flags & KEG_WALK_FOLLOW ||
	       (walk->place->slash && !(walk->flags & KEG_WALK_CREATE));
}

static int end_at(const struct keg_walk_state *walk)
{
	const struct keg_place *place = walk->place;

	return place->slash && !place->directory && !(walk->flags & KEG_WALK_CREATE) ? -ENOTDIR
										     : ENDS;
}

/* One component: the next of walk->rest. GOES_ON, ENDS or an error. */
static int step(struct keg_walk_state *walk)
{
	struct keg_place *place = walk->place;
	const char *component = walk->rest;
	size_t length = strcspn(component, "/");
	char name[NAME_MAX + 1];
	bool last;
	int r;

	walk->rest += length + strspn(component + length, "/");
	last = !*walk->rest;
	place->slash = last && component[length] == '/';
	place->dots = (length == 1 && component[0] == '.') ||
		      (length == 2 && component[0] == '.' && component[1] == '.');
	if (place->dots) {
		if (length == 1)
			return GOES_ON;
		keg_walk_leave(walk);
		pop(walk);
		return MOVED;
	}
	r = push(walk, component, length);
	if (r)
		return r;
	memcpy(name, component, length);
	name[length] = '\0';
	keg_place_end(place);
	r = keg_walk_look(walk, name);
	if ((r == -ENOENT && last && walk->flags & KEG_WALK_CREATE) || (r && walk->lenient)) {
		keg_walk_leave(walk);
		return last ? ENDS : GOES_ON;
	}
	if (r)
		return r;
	if (S_ISLNK(place->stat.st_mode) && (!last || follows(walk)))
		return take_link(walk, last);
	if (last)
		return end_at(walk);
	if (!place->directory && !walk->lenient)
		return -ENOTDIR;
	enter(walk);
	return GOES_ON;
}

/* ---- All of it at once ---- */

/* As it was before whole(): the walk goes on in steps. */
static int step_from(struct keg_walk_state *walk, size_t length, char *rest)
{
	keg_place_end(walk->place);
	walk->length = length;
	walk->place->path[length] = '\0';
	walk->rest = rest;
	return GOES_ON;
}

/* Appends the components up to the end, or to a ".."; walk->rest is what is behind them. False:
 * there are none, or they are too long */
static bool push_all(struct keg_walk_state *walk, char **last)
{
	struct keg_place *place = walk->place;

	place->slash = place->dots = false;
	*last = NULL;
	while (*walk->rest) {
		char *at = walk->rest;
		size_t length = strcspn(at, "/");

		if (length == 2 && at[0] == '.' && at[1] == '.')
			break;
		place->dots = length == 1 && at[0] == '.';
		if (!place->dots) {
			if (push(walk, at, length))
				return false;
			*last = at;
		}
		place->slash = at[length] == '/';
		walk->rest += length + strspn(at + length, "/");
	}
	return *last;
}

/* The host has no such file, or a link is in the way. */
static int missing(struct keg_walk_state *walk, int error, size_t start, char *rest)
{
	struct keg_place *place = walk->place;
	char *slash = strrchr(place->name, '/');
	int fd;

	if (error != -ENOENT && error != -ELOOP && error != -ENOTDIR)
		return error;
	if (error != -ENOENT ||
		keg_mounts_beneath(walk->mounts, place->mount->path, place->mount->length))
		return step_from(walk, start, rest);
	if (!(walk->flags & KEG_WALK_CREATE) || place->dots || *walk->rest)
		return -ENOENT;
	if (slash) {
		*slash = '\0';
		fd = keg_beneath(place->base, place->name, O_PATH | O_DIRECTORY, 0);
		*slash = '/';
		if (fd < 0)
			return fd == -ENOENT ? fd : step_from(walk, start, rest);
		close(fd);
	}
	return ENDS;
}

/* What the components have led to: the end, or where a ".." goes up from. */
static int arrive(struct keg_walk_state *walk, char *last)
{
	struct keg_place *place = walk->place;
	bool link = S_ISLNK(place->stat.st_mode), end = !*walk->rest && !place->dots;

	if (link && end && follows(walk)) {
		keg_walk_leave(walk);
		return take_link(walk, true);
	}
	if (link && !end) {
		keg_walk_leave(walk);
		pop(walk);
		return step_from(walk, walk->length, last);
	}
	if (end)
		return end_at(walk);
	if (!place->directory)
		return -ENOTDIR;
	if (!*walk->rest)
		return ENDS;
	enter(walk);
	return MOVED;
}

/* Where no link and nothing made up is in the way, one call of the host's finds all of it, or all
 * up to a "..". */
static int whole(struct keg_walk_state *walk)
{
	struct keg_place *place = walk->place;
	size_t start = walk->length;
	char *rest = walk->rest, *last;
	const struct keg_mount *mount;
	const char *name;
	int r;

	if (!push_all(walk, &last))
		return step_from(walk, start, rest);
	mount = keg_mounts_cover(walk->mounts, place->path, walk->length);
	if (!mount || mount->kind != KEG_MOUNT_HOST)
		return step_from(walk, start, rest);
	name = keg_walk_in_mount(walk, mount);
	if (mount->name && *name)
		return -ENOTDIR;
	place->exists = false;
	r = keg_walk_found(walk, keg_beneath(mount->fd, place->name, O_PATH | O_NOFOLLOW, 0));
	return r ? missing(walk, r, start, rest) : arrive(walk, last);
}

int keg_walk_run(struct keg_walk_state *walk)
{
	int r = MOVED;

	for (;;) {
		walk->rest += strspn(walk->rest, "/");
		if (!*walk->rest)
			break;
		r = r == MOVED && !walk->lenient ? whole(walk) : GOES_ON;
		if (r == GOES_ON)
			r = step(walk);
		if (r != GOES_ON && r != MOVED)
			return r == ENDS ? 0 : r;
		if (++walk->steps % LOOK_UP_AT == 0 && walk->task && keg_task_called(walk->task))
			return KEG_RESTART;
	}
	keg_place_end(walk->place);
	walk->place->slash = false;
	walk->place->dots = true;
	r = keg_walk_look(walk, NULL);
	return walk->lenient && r == -ENOENT ? 0 : r;
}
