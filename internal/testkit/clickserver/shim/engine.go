// The engine: sessions and statements of libchdb.
package main

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "chdb.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// engine is libchdb on one folder of data. A process can have one.
type engine struct {
	path string
	// first keeps the engine alive between requests.
	first *unsafe.Pointer
	// settings are the names that the engine knows: it ignores others.
	settings map[string]bool
}

// statement is one request.
type statement struct {
	sql      string
	format   string
	isInsert bool
	body     []byte
	settings map[string]string
	params   map[string]string
	database string // "" for the default one
}

// answer is what the engine says to it.
type answer struct {
	data          []byte
	read, written uint64
}

func openEngine(library, path string) (*engine, error) {
	name := C.CString(library)
	defer C.free(unsafe.Pointer(name))
	if wrong := C.tm_load(name); wrong != nil {
		return nil, errors.New(C.GoString(wrong))
	}
	e := &engine{path: path}
	first, err := e.connect(nil)
	if err != nil {
		return nil, err
	}
	e.first = first
	a, err := e.run(&statement{sql: "SELECT name FROM system.settings", format: "TabSeparated"})
	if err != nil {
		return nil, fmt.Errorf("list settings: %w", err)
	}
	e.settings = map[string]bool{}
	for name := range strings.FieldsSeq(string(a.data)) {
		e.settings[name] = true
	}
	return e, nil
}

// connect opens a session with settings of its own, as each HTTP request has.
func (e *engine) connect(settings map[string]string) (*unsafe.Pointer, error) {
	args := []string{"clickhouse", "--path=" + e.path}
	for name, value := range settings {
		if !e.settings[name] {
			return nil, &exception{115, fmt.Sprintf("Setting %s is neither a builtin setting nor started with the prefix", name), "UNKNOWN_SETTING"}
		}
		args = append(args, "--"+name+"="+value)
	}
	slices.Sort(args[2:])
	argv := (*[1 << 16]*C.char)(C.malloc(C.size_t(len(args)) * C.size_t(unsafe.Sizeof(uintptr(0)))))[:len(args):len(args)]
	defer C.free(unsafe.Pointer(&argv[0]))
	for i, a := range args {
		argv[i] = C.CString(a)
		defer C.free(unsafe.Pointer(argv[i]))
	}
	conn := C.tm_connect(C.int(len(args)), &argv[0])
	if conn == nil {
		return nil, &exception{115, fmt.Sprintf("the engine refused a session with the settings %v", args[2:]), "UNKNOWN_SETTING"}
	}
	return conn, nil
}

// run answers a statement in a session of its own.
func (e *engine) run(s *statement) (*answer, error) {
	conn, err := e.connect(s.settings)
	if err != nil {
		return nil, err
	}
	defer C.tm_close(conn)
	if s.database != "" {
		// As an argument of the session it has no effect.
		if _, err := e.ask(conn, &statement{sql: "USE `" + strings.ReplaceAll(s.database, "`", "``") + "`"}); err != nil {
			return nil, err
		}
	}
	return e.ask(conn, s)
}

// ask answers a statement in a session.
func (e *engine) ask(conn *unsafe.Pointer, s *statement) (*answer, error) {
	var held []unsafe.Pointer
	defer func() {
		for _, p := range held {
			C.free(p)
		}
	}()
	hold := func(b []byte) (*C.char, C.size_t) {
		p := C.CBytes(b)
		held = append(held, p)
		return (*C.char)(p), C.size_t(len(b))
	}
	sql, sqlLen := hold([]byte(s.sql))
	format, formatLen := hold([]byte(s.format))
	var params [256]C.tm_param
	n := 0
	for name, value := range s.params {
		if n == len(params) {
			return nil, errors.New("too many params")
		}
		params[n].name, params[n].name_len = hold([]byte(name))
		params[n].value, params[n].value_len = hold([]byte(value))
		n++
	}
	table := C.CBytes(unsafe.Slice((*byte)(unsafe.Pointer(&params[0])), unsafe.Sizeof(params)))
	held = append(held, table)
	isInsert := C.int(0)
	if s.isInsert {
		isInsert = 1
	}
	body, bodyLen := hold(s.body)
	a := C.tm_query(conn, sql, sqlLen, format, formatLen, (*C.tm_param)(table), C.size_t(n), isInsert,
		unsafe.Pointer(body), bodyLen)
	defer C.tm_free(&a)
	if a.error != nil {
		err := errors.New(C.GoString(a.error))
		if a.handle == nil {
			C.free(unsafe.Pointer(a.error)) // a copy of tm_query's
		}
		return nil, err
	}
	return &answer{data: C.GoBytes(unsafe.Pointer(a.data), C.int(a.len)), read: uint64(a.read), written: uint64(a.written)}, nil
}
