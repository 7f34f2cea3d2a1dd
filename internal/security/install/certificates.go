package install

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"time"
)

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 2 * 365 * 24 * time.Hour
	// clockSkew is how far the clocks of those who check a new certificate may be behind.
	clockSkew = 10 * time.Minute
)

const (
	authorityFile    = "tls/ca.pem"
	authorityKeyFile = "tls/ca-key.pem"
)

func certificateFile(name string) string    { return "tls/" + name + ".pem" }
func certificateKeyFile(name string) string { return "tls/" + name + "-key.pem" }

// identity is a certificate with its key.
type identity struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// addCertificates adds an authority and what it signs for the servers.
func (i *Installation) addCertificates() error {
	if i.plan.TLS == TLSOff {
		return nil
	}
	for _, host := range i.plan.Hosts {
		template := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = []net.IP{ip}
		} else {
			template.DNSNames = []string{host}
		}
		if err := i.addCertificate(host, template); err != nil {
			return err
		}
	}
	return nil
}

// ClientCertificate adds the certificate of a client, for mutual TLS, to the files that it returns by their paths.
func (i *Installation) ClientCertificate(account, user string) (map[string]File, error) {
	name := account + "/" + user
	err := i.addCertificate(name, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return nil, err
	}
	files := map[string]File{}
	for _, path := range []string{certificateFile(name), certificateKeyFile(name)} {
		files[path] = i.files[path]
	}
	return files, nil
}

// addCertificate keeps the certificate that the directory has, or has the authority sign one.
func (i *Installation) addCertificate(name string, template *x509.Certificate) error {
	if _, err := i.identity(certificateFile(name), certificateKeyFile(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	authority, err := i.authority()
	if err != nil {
		return err
	}
	template.Subject = pkix.Name{CommonName: name, Organization: []string{i.plan.Operator}}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	return i.issue(template, certificateLife, authority, certificateFile(name), certificateKeyFile(name))
}

// authority is the installation's own.
func (i *Installation) authority() (*identity, error) {
	a, err := i.identity(authorityFile, authorityKeyFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: i.plan.Operator + " authority", Organization: []string{i.plan.Operator}},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true, BasicConstraintsValid: true}
	if err := i.issue(template, authorityLife, nil, authorityFile, authorityKeyFile); err != nil {
		return nil, err
	}
	return i.identity(authorityFile, authorityKeyFile)
}

// issue makes a key, and a certificate that authority signs, nil for itself.
func (i *Installation) issue(template *x509.Certificate, life time.Duration, authority *identity, file, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("key of %s: %w", file, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("serial number of %s: %w", file, err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-clockSkew), time.Now().Add(life)
	parent, signer := template, key
	if authority != nil {
		parent, signer = authority.certificate, authority.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return fmt.Errorf("sign %s: %w", file, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("key of %s: %w", file, err)
	}
	i.files[file] = File{Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	i.files[keyFile] = File{Data: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), Secret: true}
	return nil
}

// identity reads a certificate and its key, made just now or found in the directory; fs.ErrNotExist if neither is there.
func (i *Installation) identity(file, keyFile string) (*identity, error) {
	var blocks [2]*pem.Block
	for n, path := range []string{file, keyFile} {
		data := i.files[path].Data
		if data == nil {
			var err error
			if data, err = fs.ReadFile(i.have, path); err != nil {
				return nil, fmt.Errorf("read %s: %w", path, err)
			}
			i.files[path] = File{Data: data, Secret: path == keyFile}
		}
		if blocks[n], _ = pem.Decode(data); blocks[n] == nil {
			return nil, fmt.Errorf("read %s: it is no PEM", path)
		}
	}
	certificate, err := x509.ParseCertificate(blocks[0].Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(blocks[1].Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", keyFile, err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read %s: a key of type %T, not ECDSA", keyFile, key)
	}
	return &identity{certificate, ec}, nil
}
