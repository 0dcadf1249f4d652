/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian has libmnl and libnetfilter_queue for glibc only. What they ask of it
 * musl has too, but for these names, by which glibc checks sizes. */
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

int __fprintf_chk(FILE *stream, int flag, const char *format, ...);
int __printf_chk(int flag, const char *format, ...);
int __snprintf_chk(char *text, size_t size, int flag, size_t held,
		   const char *format, ...);
const unsigned short **__ctype_b_loc(void);

int __fprintf_chk(FILE *stream, int flag, const char *format, ...)
{
	va_list arguments;
	int written;

	(void)flag;
	va_start(arguments, format);
	written = vfprintf(stream, format, arguments);
	va_end(arguments);
	return written;
}

int __printf_chk(int flag, const char *format, ...)
{
	va_list arguments;
	int written;

	(void)flag;
	va_start(arguments, format);
	written = vprintf(format, arguments);
	va_end(arguments);
	return written;
}

int __snprintf_chk(char *text, size_t size, int flag, size_t held,
		   const char *format, ...)
{
	va_list arguments;
	int written;

	(void)flag;
	(void)held;
	va_start(arguments, format);
	written = vsnprintf(text, size, format, arguments);
	va_end(arguments);
	return written;
}

/* Only a dump of libmnl asks it: nothing is printable. */
const unsigned short **__ctype_b_loc(void)
{
	static const unsigned short none[384];
	static const unsigned short *middle = none + 128;

	return &middle;
}
