// Tests of the forms of an encoded sketch: bytes that must stay readable, and numbers that must stay
// what the library gave that wrote them first.
package sketch

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/axiomhq/hyperloglog"
)

// dense returns a sketch of these ranks; all other registers are zero, or all are least.
func dense(least uint8, ranks map[int]uint8) *Users {
	u := &Users{}
	u.toDense()
	for i := range u.regs {
		u.regs[i] = least
	}
	for i, rank := range ranks {
		u.regs[i] = rank
	}
	return u
}

func TestEncodedFormsStayAsTheyAre(t *testing.T) {
	nibbles := append([]byte{formNibbles, 3}, make([]byte, nibbleBytes)...)
	nibbles[2] = 0xf2 // register 0 is 2 larger, and register 1 much larger
	nibbles = append(nibbles, 40)
	for name, c := range map[string]struct {
		of   *Users
		want []byte
	}{
		"nobody": {&Users{}, nil},
		"list":   {&Users{listed: []uint32{0x01020304, 5, 5}}, []byte{formList, 5, 0, 0, 0, 4, 3, 2, 1}},
		"gaps":   {dense(0, map[int]uint8{0: 1, 3: 14, 34: 15, 50: 51}), []byte{formGaps, 0x01, 0x2e, skip, skip, 0x0f, 15, skip, 0x0f, 51}},
		"zero":   {dense(0, nil), []byte{formGaps}},
		"halves": {dense(3, map[int]uint8{0: 5, 1: 40}), nibbles},
	} {
		got := c.of.AppendBinary(nil)
		if !bytes.Equal(got, c.want) {
			t.Errorf("%s: got % x, want % x", name, got[:min(len(got), 40)], c.want[:min(len(c.want), 40)])
		}
		var back Users
		if err := back.Decode(c.want); err != nil || back.Estimate() != c.of.Estimate() || back.dense && *back.regs != *c.of.regs {
			t.Errorf("%s: read back as another sketch: %v", name, err)
		}
	}
}

// TestEstimatesAreThoseOfTheLibrary compares with the library that made sketches of the form of bytes.
func TestEstimatesAreThoseOfTheLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{1_100, 1_500, 5_000, 20_000, 150_000, 1_000_000} {
		ours, theirs := &Users{}, hyperloglog.NewNoSparse()
		for _, id := range ids(rng, n) {
			ours.Add(id)
			theirs.InsertHash(spread(uint32(mix(id) >> 32)))
		}
		if got, want := ours.regs.estimate(), float64(theirs.Estimate()); got != want {
			t.Errorf("%d users: estimate %v, theirs %v", n, got, want)
		}
		old, err := theirs.AppendBinary([]byte{formBytes})
		if err != nil {
			t.Fatal(err)
		}
		back := &Users{}
		if err := back.Decode(old); err != nil || *back.regs != *ours.regs {
			t.Errorf("%d users: registers of their encoding differ: %v", n, err)
		}
		if got := len(ours.AppendBinary(nil)); got > len(old)/2+40 {
			t.Errorf("%d users: %d bytes, want about half of %d at most", n, got, len(old))
		}
	}
}

func TestDecodeRefusesRegistersThatCannotBe(t *testing.T) {
	halves := func(least, first byte, more ...byte) []byte {
		b := append([]byte{formNibbles, least, first}, make([]byte, nibbleBytes-1)...)
		return append(b, more...)
	}
	full := append([]byte(bytesHeader), make([]byte, 1<<precision)...)
	full[len(bytesHeader)] = maxRank + 1
	for name, b := range map[string][]byte{
		"list out of order":   {formList, 2, 0, 0, 0, 1, 0, 0, 0},
		"list with repeats":   {formList, 2, 0, 0, 0, 2, 0, 0, 0},
		"gap of rank 0":       {formGaps, 0x30},
		"gap without rank":    {formGaps, 0x0f},
		"gap, low rank":       {formGaps, 0x0f, 14},
		"gap, high rank":      {formGaps, 0x0f, maxRank + 1},
		"too many gaps":       append(append([]byte{formGaps}, bytes.Repeat([]byte{skip}, 1+(1<<precision)/nibble)...), 0x01),
		"halves cut":          halves(0, 0)[:nibbleBytes],
		"halves without rank": halves(0, nibble),
		"halves, low rank":    halves(3, nibble, 17),
		"halves, high rank":   halves(3, nibble, maxRank+1),
		"halves, high sum":    halves(maxRank-3, 4),
		"halves, high least":  halves(maxRank+1, 0),
		"halves and more":     halves(0, 0, 1),
		"bytes, high rank":    full,
		"bytes cut":           full[:100],
	} {
		if err := new(Users).Decode(b); !errors.Is(err, ErrBytes) {
			t.Errorf("%s: %v, want %v", name, err, ErrBytes)
		}
	}
}

func TestMergingEncodedSketchesTakesNoMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var encoded [][]byte
	all := &Users{}
	for _, n := range []int{3, 900, 2_000, 9_000, 120_000} {
		u := of(ids(rng, n))
		encoded = append(encoded, u.AppendBinary(nil))
		all.Merge(u)
	}
	sum := &Users{}
	sum.toDense()
	merge := func() {
		for _, b := range encoded {
			if err := sum.MergeEncoded(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := testing.AllocsPerRun(5, merge); got != 0 {
		t.Errorf("%v allocations for merging %d sketches, want none", got, len(encoded))
	}
	if *sum.regs != *all.regs {
		t.Error("merged from their encodings they are another sketch")
	}
}

func BenchmarkMergeEncoded(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 5))
	sum := &Users{}
	for _, form := range []struct {
		name  string
		users int
	}{{"list", 1_000}, {"gaps", 4_000}, {"halves", 100_000}} {
		encoded := of(ids(rng, form.users)).AppendBinary(nil)
		b.Run(form.name, func(b *testing.B) {
			for b.Loop() {
				if err := sum.MergeEncoded(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEstimate(b *testing.B) {
	u := of(ids(rand.New(rand.NewPCG(5, 5)), 50_000))
	for b.Loop() {
		u.Estimate()
	}
}
