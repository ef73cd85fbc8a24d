// Store: objects in a bucket.
package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"tidemark/internal/blob"
)

// Store keeps objects below a prefix of one bucket.
type Store struct {
	cfg       Config
	client    *minio.Core
	transport *http.Transport
}

var _ blob.Store = (*Store)(nil)

// sumHeader is the user metadata that holds the SHA-256 in hexadecimal.
const sumHeader = "X-Amz-Meta-Tidemark-Sha256"

// Open makes a client. It does not connect: calls do.
func Open(c Config) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	transport, err := c.transport()
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	creds := credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	if c.AccessKey == "" {
		creds = credentials.NewEnvAWS()
		if v, err := creds.GetWithContext(nil); err != nil || v.AccessKeyID == "" {
			return nil, errors.New("open object store: there are no credentials: set access_key and secret_key, " +
				"or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
		}
	}
	lookup := minio.BucketLookupDNS
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.NewCore(u.Host, &minio.Options{
		Creds: creds, Secure: u.Scheme == "https", Transport: transport,
		Region: c.Region, BucketLookup: lookup,
		MaxRetries: 1, // call.go repeats, and knows how long to wait
	})
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	return &Store{cfg: c, client: client, transport: transport}, nil
}

// Close gives back connections that are not in use.
func (s *Store) Close() { s.transport.CloseIdleConnections() }

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, c blob.Content) error {
	return s.put(ctx, "put", key, c, false)
}

// Create implements blob.Store.
func (s *Store) Create(ctx context.Context, key string, c blob.Content) error {
	return s.put(ctx, "create", key, c, true)
}

func (s *Store) put(ctx context.Context, verb, key string, c blob.Content, ifAbsent bool) error {
	if err := blob.CheckKey(key); err != nil {
		return fmt.Errorf("%s object: %w", verb, err)
	}
	opts := minio.PutObjectOptions{
		UserMetadata: map[string]string{sumHeader: c.Sum.String()},
		// The sum of the whole is signed instead of one for each chunk.
		DisableContentSha256: true,
	}
	if ifAbsent {
		opts.SetMatchETagExcept("*")
	}
	return s.call(ctx, verb, key, func(ctx context.Context, progress func()) error {
		body := &counted{Reader: c.Reader(), progress: progress}
		_, err := s.client.PutObject(ctx, s.cfg.Bucket, s.cfg.Prefix+key, body, c.Size, "", c.Sum.String(), opts)
		return err
	})
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, fmt.Errorf("get object: %w", err)
	}
	var out io.ReadCloser
	err := s.open(ctx, key, func(ctx context.Context, w *watch) error {
		body, info, _, err := s.client.GetObject(ctx, s.cfg.Bucket, s.cfg.Prefix+key, minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		sum, err := blob.ParseSum(info.Metadata.Get(sumHeader))
		if err != nil {
			return errors.Join(fmt.Errorf("it has no checksum: tidemark did not write it, or it was copied without its metadata: %w",
				blob.ErrCorrupt), body.Close())
		}
		out = blob.Verify(&watched{body: body, watch: w, ctx: ctx, key: key}, info.Size, sum)
		return nil
	})
	return out, err
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return fmt.Errorf("delete object: %w", err)
	}
	err := s.call(ctx, "delete", key, func(ctx context.Context, _ func()) error {
		return s.client.RemoveObject(ctx, s.cfg.Bucket, s.cfg.Prefix+key, minio.RemoveObjectOptions{})
	})
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}
