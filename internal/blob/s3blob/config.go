// What an operator chooses about the bucket.
package s3blob

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"tidemark/internal/blob"
)

// Config holds the operator's choices.
type Config struct {
	// Endpoint is the service's URL, https://s3.eu-central-1.amazonaws.com, without
	// the bucket. With http:// everything is readable on the way; bytes that are
	// changed on their way in are refused all the same.
	Endpoint string
	// Region is signed. Services with no regions take us-east-1.
	Region string
	// Bucket must exist. Without object locks: what is no longer needed is deleted.
	// With versions, deleted ones must expire by a rule of the bucket.
	Bucket string
	// Prefix is put before all keys, so that a bucket can be shared. Nodes that
	// share state must have the same. It ends with a slash, or is empty.
	Prefix string
	// AccessKey and SecretKey say who asks. Empty: AWS_ACCESS_KEY_ID,
	// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment.
	AccessKey, SecretKey string
	// PathStyle puts the bucket into the path instead of the host name. Amazon wants
	// the host name, most others the path.
	PathStyle bool
	// CAFile holds the certificates, PEM, that the service's must come from.
	// Empty: those the system trusts.
	CAFile string
	// StallTimeout is how long a request may make no progress: connecting, no byte
	// sent or received, no answer. Too short gives up on a service that syncs a
	// large object; too long holds up whoever waits.
	StallTimeout time.Duration
	// Tries is how often a request is sent at most, if it is safe to repeat it.
	Tries int
}

// DefaultConfig returns the choices that suit Amazon S3.
func DefaultConfig() Config {
	return Config{Region: "us-east-1", StallTimeout: 15 * time.Second, Tries: 4}
}

// Validate reports the first choice that cannot work.
func (c Config) Validate() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("endpoint must be http:// or https:// and a host, with a port if need be, and nothing else")
	case c.Region == "":
		return errors.New("region is empty: services with no regions take us-east-1")
	case c.Bucket == "" || strings.ContainsAny(c.Bucket, "/ "):
		return fmt.Errorf("bucket %q: name the bucket alone", c.Bucket)
	case c.Prefix != "" && (!strings.HasSuffix(c.Prefix, "/") || blob.CheckPrefix(c.Prefix) != nil):
		return fmt.Errorf("prefix %q must be names of lower-case letters, digits, '-', '_', '.' and '=', each with a slash behind it", c.Prefix)
	case (c.AccessKey == "") != (c.SecretKey == ""):
		return errors.New("access_key and secret_key: give both, or neither to take them from the environment")
	case c.CAFile != "" && u.Scheme != "https":
		return errors.New("ca_file is given, but endpoint is not https://")
	case c.StallTimeout <= 0:
		return fmt.Errorf("stall_timeout is %v, must be positive", c.StallTimeout)
	case c.Tries < 1 || c.Tries > 20:
		return fmt.Errorf("tries is %d, must be 1 to 20", c.Tries)
	}
	return nil
}

// transport is bounded where the timer of a request (call.go) does not reach.
func (c Config) transport() (*http.Transport, error) {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: c.StallTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: c.StallTimeout,
		MaxIdleConnsPerHost: 32, // as many as a save or fetch uses at once
		IdleConnTimeout:     30 * time.Second,
		// Bytes are counted as they are: nothing may be unpacked on the way.
		DisableCompression: true,
		WriteBufferSize:    64 << 10,
		ReadBufferSize:     64 << 10,
	}
	if c.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read ca_file %s: there is no certificate in it", c.CAFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t, nil
}
