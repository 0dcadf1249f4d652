/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test Anything Protocol, as little of it as the programs here need. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3))) static inline bool
ok(bool good, const char *name, ...)
{
	va_list arguments;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(arguments, name);
	vprintf(name, arguments);
	va_end(arguments);
	putchar('\n');
	tap_failed += !good;
	/* Who only asks whether all is well need not hear the rest. */
	if (!good && getenv("TAP_BAIL") != NULL)
		exit(1);
	return good;
}

/* The exit code of main(). */
static inline int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
