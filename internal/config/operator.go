// The operator's socket in the data directory.
package config

import "path/filepath"

// OperatorSocket is where a running server takes orders from who may read its data
// directory.
func OperatorSocket(dataDir string) string { return filepath.Join(dataDir, "operator.sock") }
