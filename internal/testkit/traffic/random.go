// Randomness: one seeded stream, and fast picks by weight.
package traffic

import (
	"math"
	"math/rand/v2"
)

// random is a seeded stream of numbers.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 0x7469646d61726b))} }

func (r random) chance(share float64) bool { return r.Float64() < share }

// between returns a number from low up to but not including high.
func (r random) between(low, high int64) int64 { return low + r.Int64N(high-low) }

// pause returns milliseconds of a person's pause: log-normal, so most are
// short and a few are very long.
func (r random) pause(median, spread float64) int64 {
	return int64(1000 * median * math.Exp(spread*r.NormFloat64()))
}

// scramble turns a number into another that looks random. A client's facts
// come from its number this way, so that no client has to be kept.
func scramble(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// share returns a number in [0, 1) that belongs to x and use.
func share(x, use uint64) float64 { return float64(scramble(x^use*0xA24BAED4963EE407)>>11) / (1 << 53) }

// picker picks indexes by weight in constant time (Walker's alias method).
type picker struct {
	keep  []float64
	alias []int
}

func newPicker(weights []float64) picker {
	n, sum := len(weights), 0.0
	for _, w := range weights {
		sum += w
	}
	p := picker{keep: make([]float64, n), alias: make([]int, n)}
	var small, large []int
	for i, w := range weights {
		p.keep[i], p.alias[i] = w*float64(n)/sum, i
		if p.keep[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		p.alias[s] = l
		if p.keep[l] -= 1 - p.keep[s]; p.keep[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) {
		p.keep[i] = 1
	}
	return p
}

// pick maps a number in [0, 1) to an index.
func (p picker) pick(u float64) int {
	x := u * float64(len(p.keep))
	i := int(x)
	if x-float64(i) < p.keep[i] {
		return i
	}
	return p.alias[i]
}

// zipf returns weights 1/(k+1)^s.
func zipf(n int, s float64) []float64 {
	w := make([]float64, n)
	for k := range w {
		w[k] = math.Pow(float64(k+1), -s)
	}
	return w
}
