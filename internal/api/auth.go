// Authentication: who asks, and which properties they may read (D9).
package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

// ErrUnauthenticated: the request has no credentials, or wrong ones.
var ErrUnauthenticated = errors.New("no valid credentials")

// Identity is who asks.
type Identity struct {
	// Properties that may be read.
	Properties []event.PropertyID
	// Member is set for a login, nil for a read key.
	Member *property.Member
}

// MayRead tells whether id may be read.
func (i Identity) MayRead(id event.PropertyID) bool { return slices.Contains(i.Properties, id) }

// Authenticator tells who asks. It must be safe for concurrent use.
type Authenticator interface {
	// Authenticate returns ErrUnauthenticated without valid credentials.
	Authenticate(r *http.Request) (Identity, error)
}

// registryAuthenticator knows the read keys and logins of a registry.
type registryAuthenticator struct{ registry property.Registry }

// NewRegistryAuthenticator accepts `Authorization: Bearer <read key>` and the
// login cookie. A read key, if there is one, decides alone.
func NewRegistryAuthenticator(r property.Registry) Authenticator { return registryAuthenticator{r} }

// Authenticate implements Authenticator.
func (a registryAuthenticator) Authenticate(r *http.Request) (Identity, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return a.readKey(r.Context(), header)
	}
	return a.login(r)
}

func (a registryAuthenticator) readKey(ctx context.Context, header string) (Identity, error) {
	scheme, key, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(key) == "" {
		return Identity{}, ErrUnauthenticated
	}
	ids, err := a.registry.PropertiesOfReadKey(ctx, strings.TrimSpace(key))
	if errors.Is(err, property.ErrNotFound) {
		return Identity{}, ErrUnauthenticated
	}
	if err != nil {
		return Identity{}, fmt.Errorf("look up read key: %w", err)
	}
	return Identity{Properties: ids}, nil
}

func (a registryAuthenticator) login(r *http.Request) (Identity, error) {
	cookie, err := r.Cookie(loginCookie)
	if err != nil || cookie.Value == "" {
		return Identity{}, ErrUnauthenticated
	}
	member, err := a.registry.MemberOfLogin(r.Context(), cookie.Value)
	if errors.Is(err, property.ErrNotFound) {
		return Identity{}, ErrUnauthenticated
	}
	if err != nil {
		return Identity{}, fmt.Errorf("look up login: %w", err)
	}
	ids, err := a.registry.MemberProperties(r.Context(), member.ID)
	if err != nil {
		return Identity{}, fmt.Errorf("list properties of member: %w", err)
	}
	return Identity{Properties: ids, Member: &member}, nil
}

func (a *API) identify(r *http.Request) (Identity, error) {
	who, err := a.deps.Authenticator.Authenticate(r)
	if errors.Is(err, ErrUnauthenticated) {
		return Identity{}, unauthenticated("this needs a read key (Authorization: Bearer ...) or a login")
	}
	return who, err
}

// readable returns the property in the address if the asker may read it. A
// property that does not exist is denied like one of somebody else's.
func (a *API) readable(r *http.Request) (property.Property, error) {
	who, err := a.identify(r)
	if err != nil {
		return property.Property{}, err
	}
	refused := denied("you may not read this property, or it does not exist")
	id, err := event.ParsePropertyID(r.PathValue("property"))
	if err != nil || !who.MayRead(id) {
		return property.Property{}, refused
	}
	p, err := a.deps.Registry.Property(r.Context(), id)
	if errors.Is(err, property.ErrNotFound) {
		return property.Property{}, refused
	}
	if err != nil {
		return property.Property{}, fmt.Errorf("look up property %s: %w", id, err)
	}
	return p, nil
}
