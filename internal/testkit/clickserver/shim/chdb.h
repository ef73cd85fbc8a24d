// What the shim calls of libchdb, found with dlopen: the library is neither
// linked nor needed to build. Signatures are those of chDB's own chdb.h.
#include <stddef.h>
#include <stdint.h>

// tm_load finds the functions in the library; NULL, or what is wrong.
const char *tm_load(const char *path);
// tm_connect opens a session; the first starts the engine. NULL: it failed.
void **tm_connect(int argc, char **argv);
void tm_close(void **conn);

typedef struct {
	const char *name, *value;
	size_t name_len, value_len;
} tm_param;

typedef struct {
	void *handle;
	const char *error; // NULL: none
	const char *data;
	size_t len;
	uint64_t read, written;
} tm_answer;

// tm_query runs a statement, or with is_insert an INSERT without its FORMAT,
// whose rows are in body. Params are at most 256. tm_free ends the answer; an error
// without a handle is the caller's to free.
tm_answer tm_query(void **conn, const char *sql, size_t sql_len, const char *format, size_t format_len,
	const tm_param *params, size_t n, int is_insert, const void *body, size_t body_len);
void tm_free(tm_answer *a);
