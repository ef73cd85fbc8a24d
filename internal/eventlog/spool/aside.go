// Set aside: what the far log refuses for good is kept as a file.
package spool

import (
	"fmt"
	"os"
	"path/filepath"
)

// asideFiles writes files of a directory.
type asideFiles struct{ dir string }

// write makes frame durable under name. The same frame may come again after a crash.
func (a asideFiles) write(name string, frame []byte) error {
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(a.dir, name)
	if err := writeSynced(path+".tmp", frame); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	if err := syncDir(a.dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(a.dir)) // The directory itself may be new.
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync file: %w", err)
	}
	return f.Close()
}
