// Clients: browsers and servers that send events. All facts of a client come
// from its number.
package traffic

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"tidemark/internal/event"
)

// client is one sender.
type client struct {
	hash        uint64 // its number, scrambled
	agent       *agent
	country     *country
	geo         *event.Geo
	address     netip.Addr
	cookieless  bool
	measurement bool // speaks the Measurement Protocol
	sessionless bool
	userID      string
	isProgram   bool
}

// Uses of a client's hash: each fact has its own number.
const (
	useAgent uint64 = iota + 1
	useCountry
	useCity
	useAddress
	useCookieless
	useProtocol
	useSessionless
	useUserID
)

// programNumbers begin where those of people never come.
const programNumbers = 1 << 48

// clientOf returns client number n of a property.
func (s *Source) clientOf(p *property, n uint64) client {
	h := scramble(s.cfg.Seed ^ scramble(uint64(p.ID)) ^ scramble(n+1))
	c := client{hash: h, isProgram: n >= programNumbers}
	if c.isProgram {
		c.agent = &s.programs[s.programPick.pick(share(h, useAgent))]
	} else {
		c.agent = &s.agents[s.agentPick.pick(share(h, useAgent))]
		c.measurement = share(h, useProtocol) < s.cfg.Mix.MeasurementProt
		c.cookieless = !c.measurement && share(h, useCookieless) < s.cfg.Mix.Cookieless
		c.sessionless = c.measurement && share(h, useSessionless) < s.cfg.Mix.Sessionless
		if !c.cookieless && share(h, useUserID) < 0.1 {
			c.userID = "member-" + strconv.FormatUint(n, 36)
		}
	}
	c.country = &s.countries[s.countryPick.pick(share(h, useCountry))]
	c.geo = c.country.cities[int(share(h, useCity)*float64(len(c.country.cities)))]
	c.address = addressIn(c.country.network, scramble(h^useAddress))
	return c
}

// addressIn returns an address of an IPv4 network.
func addressIn(network netip.Prefix, h uint64) netip.Addr {
	base := network.Addr().As4()
	host := uint32(h) >> network.Bits()
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(base[:])|host)
	return netip.AddrFrom4(b)
}

// clientID returns the id that a client with a cookie sends.
func (c *client) clientID() string {
	b := make([]byte, 0, 24)
	b = strconv.AppendUint(b, c.hash>>33, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, 1_700_000_000+c.hash&0xFFFFFF, 10)
	return string(b)
}

// dayID returns the id that stands for a cookieless client on one local day.
// As at the collector, clients with the same address and user agent share it
// (S10).
func (c *client) dayID(p *property, dayStart int64) string {
	address := c.address.As4()
	h := scramble(uint64(p.ID)) ^ uint64(binary.BigEndian.Uint32(address[:]))
	for i := 0; i < len(c.agent.text); i++ {
		h = (h ^ uint64(c.agent.text[i])) * 0x100000001B3
	}
	return "day-" + hex16(scramble(h^scramble(uint64(dayStart))))
}

// hex16 writes 16 hexadecimal digits.
func hex16(x uint64) string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[i] = digits[x>>(60-4*i)&15]
	}
	return string(b[:])
}

// property is a receiver with what the source needs at hand.
type property struct {
	Property
	zone    *time.Location
	pages   []page
	popular picker // of pages, by Zipf's law
	clients uint64 // how many there are so far

	dayFrom, dayTo int64 // the local day looked at last, in milliseconds
}

// localDay returns the start of the local day of a moment, in milliseconds.
func (p *property) localDay(ms int64) int64 {
	if ms < p.dayFrom || ms >= p.dayTo {
		y, m, d := time.UnixMilli(ms).In(p.zone).Date()
		p.dayFrom = time.Date(y, m, d, 0, 0, 0, 0, p.zone).UnixMilli()
		p.dayTo = time.Date(y, m, d+1, 0, 0, 0, 0, p.zone).UnixMilli()
	}
	return p.dayFrom
}

// bustle is how many of the sessions of the busiest hour begin at this moment:
// few at night, most in the evening.
func (p *property) bustle(ms int64) float64 {
	hourly := [24]float64{
		.25, .18, .15, .13, .13, .16, .25, .38, .50, .58, .62, .65,
		.70, .68, .66, .66, .68, .72, .80, .92, 1.0, .90, .66, .42,
	}
	return hourly[min(23, int((ms-p.localDay(ms))/3_600_000))]
}

// meanBustle is the mean of the table above.
const meanBustle = 0.5325
