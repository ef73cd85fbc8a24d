// Registers: the dense form of a sketch, HyperLogLog of precision 14 with the estimator
// LogLog-Beta (Qin, Kim and Tung, 2016). Merging is all that a report over many days does, so it
// allocates nothing here, and it may take registers from their encoding (encode.go).
package sketch

import (
	"math"
	"math/bits"
)

const (
	// precision is the binary logarithm of the number of registers.
	precision = 14
	// maxRank is the largest value of a register: all bits behind its number are zero.
	maxRank = 64 - precision + 1
)

// registers hold the largest rank that was seen of each share of the users.
type registers [1 << precision]uint8

// add adds a user by 64 random bits.
func (r *registers) add(x uint64) {
	i := x >> (64 - precision)
	rank := uint8(bits.LeadingZeros64(x<<precision|1<<(precision-1))) + 1
	r[i] = max(r[i], rank)
}

// merge takes the larger one of each register. from has as many.
func (r *registers) merge(from []uint8) {
	for i, rank := range from[:len(r)] {
		r[i] = max(r[i], rank)
	}
}

// estimate returns how many users were added, about, as a whole number.
func (r *registers) estimate() float64 {
	var weight [64]float64 // of each rank: 2^-rank
	for i := range weight {
		weight[i] = math.Ldexp(1, -i)
	}
	// Four sums at once do not wait for each other. Weights are powers of two: their order does not matter.
	var sum [4]float64
	zeros := 0
	for i := 0; i < len(r); i += len(sum) {
		for k := range sum {
			rank := r[i+k]
			sum[k] += weight[rank&63]
			if rank == 0 {
				zeros++
			}
		}
	}
	const m = float64(1 << precision)
	const alpha = 0.7213 / (1 + 1.079/m)
	none := float64(zeros)
	return math.Floor(alpha*m*(m-none)/(sum[0]+sum[1]+sum[2]+sum[3]+beta(none)) + 0.5)
}

// beta corrects the estimate of few users, by how many registers are zero: the polynomial that
// its authors fitted for this precision.
func beta(zeros float64) float64 {
	zl := math.Log(zeros + 1)
	return -0.371009760230692*zeros + 0.00978811941207509*zl + 0.185796293324165*math.Pow(zl, 2) +
		0.203015527328432*math.Pow(zl, 3) + -0.116710521803686*math.Pow(zl, 4) + 0.0431106699492820*math.Pow(zl, 5) +
		-0.00599583540511831*math.Pow(zl, 6) + 0.000449704299509437*math.Pow(zl, 7)
}
