// Package config is what an operator may choose: one YAML file, in which
// ${NAME} and ${NAME:-default} stand for the environment, under the flags of
// the command line.
//
// It is not the place where a choice is explained or checked: each package
// that owns a Config does that. Here they are listed, read, and named in
// errors.
//
// Guarantees:
//
//	CF1  An unknown key, a value of the wrong kind, and a key given twice are
//	     errors that name the line.
//	CF2  Every error of one file is reported, not only the first.
//	CF3  A file is never needed: Default is valid.
//	CF4  A Secret is not printed.
//
// Everything here is a plain value.
//
// Start reading at config.go.
package config
