// Calls to libchdb through pointers that dlsym found.
#include "chdb.h"

#include <dlfcn.h>
#include <string.h>

typedef struct {
	void *internal;
} result;

static void **(*chdb_connect)(int, char **);
static void (*chdb_close_conn)(void **);
static result *(*chdb_query_with_params_n)(void *, const char *, size_t, const char *, size_t, const char *const *,
	const size_t *, const char *const *, const size_t *, size_t);
static void *(*chdb_stream_insert_with_params_n)(void *, const char *, size_t, const char *, size_t, const char *const *,
	const size_t *, const char *const *, const size_t *, size_t);
static int (*chdb_stream_append)(void *, const void *, size_t);
static result *(*chdb_stream_done)(void *);
static const char *(*chdb_stream_insert_error)(void *);
static void (*chdb_destroy_insert_stream)(void *);
static void (*chdb_destroy_query_result)(result *);
static char *(*chdb_result_buffer)(result *);
static size_t (*chdb_result_length)(result *);
static const char *(*chdb_result_error)(result *);
static uint64_t (*chdb_result_storage_rows_read)(result *);
static uint64_t (*chdb_result_rows_written)(result *);
static void (*chdb_set_signal_handlers_enabled)(int);

#define FIND(name) \
	if (!(*(void **)&name = dlsym(lib, #name))) return dlerror()

const char *tm_load(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) return dlerror();
	FIND(chdb_connect);
	FIND(chdb_close_conn);
	FIND(chdb_query_with_params_n);
	FIND(chdb_stream_insert_with_params_n);
	FIND(chdb_stream_append);
	FIND(chdb_stream_done);
	FIND(chdb_stream_insert_error);
	FIND(chdb_destroy_insert_stream);
	FIND(chdb_destroy_query_result);
	FIND(chdb_result_buffer);
	FIND(chdb_result_length);
	FIND(chdb_result_error);
	FIND(chdb_result_storage_rows_read);
	FIND(chdb_result_rows_written);
	FIND(chdb_set_signal_handlers_enabled);
	chdb_set_signal_handlers_enabled(0); // they are Go's
	return NULL;
}

void **tm_connect(int argc, char **argv) { return chdb_connect(argc, argv); }
void tm_close(void **conn) { chdb_close_conn(conn); }

static tm_answer fill(result *r)
{
	tm_answer a = {0};
	a.handle = r;
	if (!r) {
		a.error = strdup("the engine gave no result");
		return a;
	}
	a.error = chdb_result_error(r);
	a.data = chdb_result_buffer(r);
	a.len = chdb_result_length(r);
	a.read = chdb_result_storage_rows_read(r);
	a.written = chdb_result_rows_written(r);
	return a;
}

tm_answer tm_query(void **conn, const char *sql, size_t sql_len, const char *format, size_t format_len,
	const tm_param *params, size_t n, int is_insert, const void *body, size_t body_len)
{
	const char *names[256], *values[256];
	size_t name_lens[256], value_lens[256];
	tm_answer a = {0};
	if (n > 256) {
		a.error = strdup("the shim takes 256 params");
		return a;
	}
	for (size_t i = 0; i < n; i++) {
		names[i] = params[i].name;
		name_lens[i] = params[i].name_len;
		values[i] = params[i].value;
		value_lens[i] = params[i].value_len;
	}
	if (!is_insert)
		return fill(chdb_query_with_params_n(*conn, sql, sql_len, format, format_len, names, name_lens, values, value_lens, n));
	void *stream = chdb_stream_insert_with_params_n(*conn, sql, sql_len, format, format_len, names, name_lens, values,
		value_lens, n);
	const char *error = chdb_stream_insert_error(stream);
	if (!error && body_len && chdb_stream_append(stream, body, body_len)) error = chdb_stream_insert_error(stream);
	if (error)
		a.error = strdup(error);
	else
		a = fill(chdb_stream_done(stream));
	chdb_destroy_insert_stream(stream);
	return a;
}

void tm_free(tm_answer *a)
{
	if (a->handle) chdb_destroy_query_result(a->handle);
}
