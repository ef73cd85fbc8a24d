// Archive: where final days are kept as Parquet files, and for how long.
package config

import (
	"errors"
	"fmt"
	"time"

	"tidemark/internal/archive"
	"tidemark/internal/blob/dirblob"
	"tidemark/internal/blob/s3blob"
)

// Archive is a directory or a bucket. Without either nothing is archived.
type Archive struct {
	// Dir is a directory of its own.
	Dir string `yaml:"dir"`
	// S3 may be the bucket of objects, with another prefix.
	S3 S3 `yaml:"s3"`
	// Interval is how often final days are looked for, and for how long rows that were erased stay.
	Interval time.Duration `yaml:"interval"`
	// KeepDays is for how many local days rows are archived; 0: for as long as the store keeps them.
	KeepDays int `yaml:"keep_days"`
}

func defaultArchive() Archive {
	a := archive.DefaultConfig()
	return Archive{S3: defaultS3(), Interval: a.Interval, KeepDays: a.KeepDays}
}

// HasArchive tells whether final days are archived.
func (c Config) HasArchive() bool { return c.Archive.Dir != "" || c.ArchiveOnS3() }

// ArchiveOnS3 tells whether they are in a bucket.
func (c Config) ArchiveOnS3() bool { return c.Archive.S3.Bucket != "" }

// ArchiveDir returns the directory's own Config. Other programs read its files.
func (c Config) ArchiveDir() dirblob.Config {
	return dirblob.Config{Dir: c.Archive.Dir, Plain: true}
}

// ArchiveBucket returns the bucket's own Config.
func (c Config) ArchiveBucket() s3blob.Config { return c.Archive.S3.bucket() }

// Archiver returns the archiver's own Config.
func (c Config) Archiver() archive.Config {
	a := archive.DefaultConfig()
	a.Interval, a.KeepDays = c.Archive.Interval, c.Archive.KeepDays
	return a
}

func (c Config) validateArchive() error {
	errs := []error{c.Archiver().Validate()}
	if c.Archive.Dir != "" && c.Archive.Dir == c.Objects.Dir {
		errs = append(errs, errors.New("dir: it is objects.dir, whose files are written in another way: name another directory"))
	}
	if c.ArchiveOnS3() {
		if c.Archive.Dir != "" {
			errs = append(errs, errors.New("dir: there is a bucket as well: name one of them"))
		}
		if err := c.ArchiveBucket().Validate(); err != nil {
			errs = append(errs, fmt.Errorf("s3.%w", err))
		}
		o := c.Objects.S3
		if a := c.Archive.S3; a.Endpoint == o.Endpoint && a.Bucket == o.Bucket && a.Prefix == o.Prefix {
			errs = append(errs, errors.New("s3.prefix: it is that of objects.s3 in the same bucket: give one of them another"))
		}
	}
	return errors.Join(errs...)
}
