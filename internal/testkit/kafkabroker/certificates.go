// Certificates for the TLS listeners and for clients, made anew for each cluster.
package kafkabroker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files of a cluster's certificates, all PEM.
type Files struct {
	// CA is what clients trust, and what brokers ask of clients.
	CA string
	// ClientCert and ClientKey are a client's.
	ClientCert, ClientKey string
	// StrangerCert and StrangerKey come from somebody whom brokers do not trust.
	StrangerCert, StrangerKey string

	broker string // certificate and key in one file, as Kafka wants it
}

// issuer signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newIssuer(name string) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &issuer{cert, key, encode("CERTIFICATE", der)}, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// issue makes a certificate for the loopback, and its key.
func (i *issuer) issue(name string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: i.cert.NotBefore, NotAfter: i.cert.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, &private.PublicKey, i.key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8), nil
}

// makeFiles writes all certificates of a cluster into dir.
func makeFiles(dir string) (Files, error) {
	f := Files{
		CA: "ca.pem", ClientCert: "client.pem", ClientKey: "client.key",
		StrangerCert: "stranger.pem", StrangerKey: "stranger.key", broker: "broker.pem",
	}
	for _, name := range []*string{&f.CA, &f.ClientCert, &f.ClientKey, &f.StrangerCert, &f.StrangerKey, &f.broker} {
		*name = filepath.Join(dir, *name)
	}
	ours, err := newIssuer("test authority")
	if err != nil {
		return f, err
	}
	theirs, err := newIssuer("another authority")
	if err != nil {
		return f, err
	}
	broker, brokerKey, err := ours.issue("broker")
	if err != nil {
		return f, err
	}
	client, clientKey, err := ours.issue("client")
	if err != nil {
		return f, err
	}
	stranger, strangerKey, err := theirs.issue("stranger")
	if err != nil {
		return f, err
	}
	for name, content := range map[string][]byte{
		f.CA: ours.pem, f.broker: append(append(brokerKey, broker...), ours.pem...),
		f.ClientCert: client, f.ClientKey: clientKey, f.StrangerCert: stranger, f.StrangerKey: strangerKey,
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return f, err
		}
	}
	return f, nil
}
