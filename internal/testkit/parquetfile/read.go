// Read: a file as columns of texts.
package parquetfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// File is what a file holds.
type File struct {
	Rows     int
	Columns  []Column
	Metadata map[string]string
}

// Column is one column.
type Column struct {
	Name, Type string
	Values     []string
}

// Column returns a column by its name; nil if there is none.
func (f *File) Column(name string) *Column {
	for i := range f.Columns {
		if f.Columns[i].Name == name {
			return &f.Columns[i]
		}
	}
	return nil
}

// Read reads the bytes of a file.
func Read(b []byte) (*File, error) {
	in, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("open Parquet file: %w", err)
	}
	out := &File{Rows: int(in.NumRows()), Metadata: map[string]string{}}
	for _, kv := range in.Metadata().KeyValueMetadata {
		out.Metadata[kv.Key] = kv.Value
	}
	for _, field := range in.Schema().Fields() {
		out.Columns = append(out.Columns, Column{Name: field.Name(), Type: typeName(field.Type().String())})
	}
	for _, group := range in.RowGroups() {
		if err := out.rows(group); err != nil {
			return nil, fmt.Errorf("read Parquet file: %w", err)
		}
	}
	return out, nil
}

// typeName: a signed integer may say that it is one, or not; it is the same type.
func typeName(of string) string {
	switch of {
	case "INT(64,true)":
		return "INT64"
	case "INT(32,true)":
		return "INT32"
	}
	return of
}

func (f *File) rows(group parquet.RowGroup) error {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 100)
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			for _, v := range row {
				f.Columns[v.Column()].Values = append(f.Columns[v.Column()].Values, v.String())
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
