// Object storage: where the states of partitions are, for every node to get.
package config

import (
	"errors"
	"fmt"
	"time"

	"tidemark/internal/blob/dirblob"
	"tidemark/internal/blob/s3blob"
	"tidemark/internal/state/remote"
)

// Objects is one of a directory that all processes see, and a bucket.
type Objects struct {
	// Dir is a directory on a file system that all processors share.
	Dir string `yaml:"dir"`
	S3  S3     `yaml:"s3"`
	// Parallel is how many objects are sent or fetched at once.
	Parallel int `yaml:"parallel"`
}

// S3 is used if it has a bucket.
type S3 struct {
	// Endpoint is the service's URL without the bucket.
	Endpoint string `yaml:"endpoint"`
	// Region is signed; services without regions take us-east-1.
	Region string `yaml:"region"`
	// Bucket must exist.
	Bucket string `yaml:"bucket"`
	// Prefix is put before all keys; it ends with a slash.
	Prefix string `yaml:"prefix"`
	// AccessKey and SecretKey; empty: AWS_ACCESS_KEY_ID and its like from the environment.
	AccessKey string `yaml:"access_key"`
	SecretKey Secret `yaml:"secret_key"`
	// PathStyle puts the bucket into the path: what most services but Amazon want.
	PathStyle bool `yaml:"path_style"`
	// CAFile holds the certificates, PEM, that the service's must come from.
	CAFile string `yaml:"ca_file"`
	// StallTimeout is how long a request may make no progress.
	StallTimeout time.Duration `yaml:"stall_timeout"`
	// Tries is how often a request is sent at most.
	Tries int `yaml:"tries"`
}

func defaultObjects() Objects {
	return Objects{Parallel: remote.DefaultConfig().Parallel, S3: defaultS3()}
}

func defaultS3() S3 {
	s3 := s3blob.DefaultConfig()
	return S3{Region: s3.Region, StallTimeout: s3.StallTimeout, Tries: s3.Tries}
}

// HasObjects tells whether there is object storage.
func (c Config) HasObjects() bool { return c.Objects.Dir != "" || c.OnS3() }

// OnS3 tells whether it is a bucket.
func (c Config) OnS3() bool { return c.Objects.S3.Bucket != "" }

// ObjectDir returns the directory's own Config.
func (c Config) ObjectDir() dirblob.Config { return dirblob.Config{Dir: c.Objects.Dir} }

// Bucket returns the bucket's own Config.
func (c Config) Bucket() s3blob.Config {
	return c.Objects.S3.bucket()
}

func (s S3) bucket() s3blob.Config {
	return s3blob.Config{Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket, Prefix: s.Prefix, AccessKey: s.AccessKey,
		SecretKey: s.SecretKey.Reveal(), PathStyle: s.PathStyle, CAFile: s.CAFile, StallTimeout: s.StallTimeout, Tries: s.Tries}
}

// SavedStates returns how states are saved.
func (c Config) SavedStates() remote.Config { return remote.Config{Parallel: c.Objects.Parallel} }

func (c Config) validateObjects() error {
	errs := []error{c.SavedStates().Validate()}
	if c.OnS3() {
		if c.Objects.Dir != "" {
			errs = append(errs, errors.New("dir: there is a bucket as well: name one of them"))
		}
		if err := c.Bucket().Validate(); err != nil {
			errs = append(errs, fmt.Errorf("s3.%w", err))
		}
	}
	return errors.Join(errs...)
}
