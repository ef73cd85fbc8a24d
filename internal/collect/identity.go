// The cookieless client id (S10).
package collect

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/netip"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

// salter keeps the salts of days (R4).
type salter interface {
	Salt(ctx context.Context, day string, now time.Time) ([]byte, error)
}

// cookieless makes client ids of those who bring none. It keeps the salts of
// the few days that may still have one.
type cookieless struct {
	salts salter

	mu   sync.RWMutex
	days map[string]*saltedDay
}

// saltedDay is a day whose salt is known.
type saltedDay struct {
	until  time.Time
	hashes sync.Pool // of hash.Hash keyed with the salt
}

func newCookieless(s salter) *cookieless {
	return &cookieless{salts: s, days: make(map[string]*saltedDay)}
}

// sender is what a cookieless id is made of.
type sender struct {
	property  event.PropertyID
	address   netip.Addr
	userAgent string
}

// clientID returns the id of v on the local day of at in zone. linkable is false
// if it is a random one that nobody else will get.
func (c *cookieless) clientID(
	ctx context.Context, v sender, at event.Time, zone *time.Location, now time.Time,
) (id string, linkable bool, err error) {
	var buf [len(time.DateOnly)]byte
	local := at.Std().In(zone).AppendFormat(buf[:0], time.DateOnly)
	day, err := c.day(ctx, local, now)
	if errors.Is(err, property.ErrNotFound) || errors.Is(err, property.ErrInvalid) {
		// The salt is gone, and the event too late for every report.
		return rand.Text(), false, nil
	}
	if err != nil {
		return "", false, err
	}
	return day.sum(v), true, nil
}

// day returns the day with its salt.
func (c *cookieless) day(ctx context.Context, name []byte, now time.Time) (*saltedDay, error) {
	c.mu.RLock()
	day := c.days[string(name)]
	c.mu.RUnlock()
	if day != nil && now.Before(day.until) {
		return day, nil
	}
	from, until, err := property.SaltSpan(string(name))
	if err != nil {
		return nil, err
	}
	if now.Before(from) || !now.Before(until) {
		return nil, property.ErrNotFound
	}
	salt, err := c.salts.Salt(ctx, string(name), now)
	if err != nil {
		return nil, fmt.Errorf("read salt of %s: %w", name, err)
	}
	day = &saltedDay{until: until}
	day.hashes.New = func() any { return hmac.New(sha256.New, salt) }
	c.keep(string(name), day, now)
	return day, nil
}

// keep remembers day and forgets the days whose salt must be gone.
func (c *cookieless) keep(name string, day *saltedDay, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other, d := range c.days {
		if !now.Before(d.until) {
			delete(c.days, other)
		}
	}
	c.days[name] = day
}

// sum hashes v. Each part has a fixed length or comes last, so that no two
// senders give the same bytes.
func (d *saltedDay) sum(v sender) string {
	var fixed [8 + 16]byte
	binary.BigEndian.PutUint64(fixed[:8], uint64(v.property))
	prefix := addressPrefix(v.address).As16()
	copy(fixed[8:], prefix[:])

	mac := d.hashes.Get().(hash.Hash)
	mac.Reset()
	mac.Write(fixed[:])
	var agent [event.MaxUserAgent]byte
	mac.Write(agent[:copy(agent[:], v.userAgent)])
	var digest [sha256.Size]byte
	mac.Sum(digest[:0])
	d.hashes.Put(mac)
	return base64.RawURLEncoding.EncodeToString(digest[:16])
}

// addressPrefix returns what of an address stands for a household or a device:
// all of IPv4, the /64 of IPv6.
func addressPrefix(addr netip.Addr) netip.Addr {
	switch {
	case !addr.IsValid():
		return netip.IPv6Unspecified()
	case addr.Is4():
		return addr
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		panic("BUG: an IPv6 address has no /64: " + err.Error())
	}
	return prefix.Addr()
}
