// Portable: a registry as a whole, for moving it into another one.
package property

import "context"

// Snapshot is all that a registry holds, as of one moment. Secrets are in it as they are kept: digests.
type Snapshot struct {
	Properties []Property    `json:"properties"` // with their streams
	Secrets    []KeptSecret  `json:"secrets"`
	ReadKeys   []KeptReadKey `json:"readKeys"`
	Members    []KeptMember  `json:"members"`
	Tokens     []KeptToken   `json:"tokens"`
	Logins     []KeptLogin   `json:"logins"`
	Salts      []KeptSalt    `json:"salts"`
}

// Times in what is kept are microseconds since 1970, as registries store them.
type (
	// KeptSecret is the digest of an API secret.
	KeptSecret struct {
		Hash          []byte
		MeasurementID string
		Created       int64
	}
	// KeptReadKey is the digest of a read key, for one property.
	KeptReadKey struct {
		Hash     []byte
		Property int64
		Created  int64
	}
	// KeptMember is a member with the hash of their password.
	KeptMember struct {
		ID       int64
		Email    string
		Password string
		Created  int64
	}
	// KeptToken is the digest of a setup token.
	KeptToken struct {
		Hash    []byte
		Expires int64
	}
	// KeptLogin is the digest of a login's token.
	KeptLogin struct {
		Hash             []byte
		Member           int64
		Created, Expires int64
	}
	// KeptSalt is a salt in the clear: whoever keeps it seals it as it does its own.
	KeptSalt struct {
		Day     string
		Salt    []byte
		Expires int64
	}
)

// Exporter is a registry that can be taken out.
type Exporter interface {
	// Export returns all that it holds, of one moment.
	Export(ctx context.Context) (*Snapshot, error)
}

// Importer is a registry that can take the place of another one.
type Importer interface {
	// Import makes the registry hold what s does, ids and versions included, and nothing else. Whoever asks
	// sees it as it was, or as it is then. Doing it again changes nothing.
	Import(ctx context.Context, s *Snapshot) error
	// Export tells what it holds.
	Exporter
}
