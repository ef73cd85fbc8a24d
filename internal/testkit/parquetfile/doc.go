// Package parquetfile reads Parquet files for tests with an engine that has nothing in common with the ones that wrote
// them: parquet-go, in Go alone.
//
// It is not fast, and reads a file as a whole. Start reading at Read.
package parquetfile
