// Damage in the WAL that Pebble would take for its end (P5).
//
// When Pebble replays the newest WAL and meets a record that does not check, it
// looks in later 32 KiB blocks for a promise that the place had been synced. The
// promises it writes trail behind, and later records in the same block are not
// looked at, so that damage of an acknowledged record can pass for a torn tail;
// everything after it would be dropped in silence, and the file removed. So
// every commit carries a voucher: its number, and up to which number all commits
// are synced. checkWAL looks at the WALs before Pebble changes anything: if some
// voucher speaks for more than can be read, the log is damaged.
package pebblelog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/zeebo/xxh3"

	"tidemark/internal/eventlog"
)

// A voucher is magic, number u64, durable u64, and a sum of those. The sum is
// keyed by a secret of the log, because payloads come from strangers, who must
// not be able to send a voucher.
const (
	voucherMagic = "tmvouch1"
	voucherLen   = len(voucherMagic) + 8 + 8 + 8
)

type voucher struct{ number, durable, sum uint64 }

func voucherSum(secret, number, durable uint64) uint64 {
	b := binary.LittleEndian.AppendUint64(nil, number)
	return xxh3.HashSeed(binary.LittleEndian.AppendUint64(b, durable), secret)
}

// appendVoucher encodes: commit number is being written, all up to durable are
// synced.
func appendVoucher(dst []byte, secret, number, durable uint64) []byte {
	dst = append(dst, voucherMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, number)
	dst = binary.LittleEndian.AppendUint64(dst, durable)
	return binary.LittleEndian.AppendUint64(dst, voucherSum(secret, number, durable))
}

// findVouchers returns everything in b that looks like a voucher. One that lies
// across two chunks of the WAL is missed; the next commit's is not.
func findVouchers(b []byte) []voucher {
	var out []voucher
	for {
		at := bytes.Index(b, []byte(voucherMagic))
		if at < 0 || at+voucherLen > len(b) {
			return out
		}
		v := b[at+len(voucherMagic):]
		out = append(out, voucher{
			number:  binary.LittleEndian.Uint64(v),
			durable: binary.LittleEndian.Uint64(v[8:]),
			sum:     binary.LittleEndian.Uint64(v[16:]),
		})
		b = b[at+voucherLen:]
	}
}

func isNotExist(err error) bool { return errors.Is(err, os.ErrNotExist) }

// checkWAL compares what the WALs vouch for with what can be read of them. Only
// if that looks wrong does it open the database, for reading only, to make sure.
func (l *Log) checkWAL() error {
	names, err := l.fs.List(l.fs.PathJoin(l.cfg.Dir, walDirName))
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list write-ahead log: %w", err)
	}
	slices.Sort(names)
	var readable uint64
	var vouchers []voucher
	for _, name := range names {
		number, ok := strings.CutSuffix(name, ".log")
		n, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil {
			continue
		}
		b, err := l.readFile(l.fs.PathJoin(l.cfg.Dir, walDirName, name))
		if err != nil {
			return fmt.Errorf("read write-ahead log: %w", err)
		}
		readable = max(readable, lastReadable(newRecordReader(record.NewReader, bytes.NewReader(b), n)))
		vouchers = append(vouchers, findVouchers(b)...)
	}
	for _, v := range vouchers {
		if v.durable > readable {
			return l.confirmDamage(vouchers)
		}
	}
	return nil
}

func (l *Log) readFile(name string) ([]byte, error) {
	f, err := l.fs.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// newRecordReader calls record.NewReader, whose second type has no name outside
// of Pebble.
func newRecordReader[N ~uint64](
	newReader func(io.Reader, N) *record.Reader, r io.Reader, n uint64,
) *record.Reader {
	return newReader(r, N(n))
}

// lastReadable returns the number of the last commit that can be read in order.
func lastReadable(r *record.Reader) uint64 {
	var last uint64
	for {
		rec, err := r.Next()
		if err != nil {
			return last
		}
		b, err := io.ReadAll(rec)
		if err != nil {
			return last
		}
		if len(b) < batchrepr.HeaderLen {
			continue
		}
		for ops := batchrepr.Read(b); ; {
			kind, data, _, ok, err := ops.Next()
			if !ok || err != nil {
				break
			}
			if kind == pebble.InternalKeyKindLogData {
				for _, v := range findVouchers(data) {
					last = max(last, v.number)
				}
			}
		}
	}
}

// confirmDamage opens the database for reading: commits may also be in tables.
func (l *Log) confirmDamage(vouchers []voucher) error {
	o := l.pebbleOptions()
	o.ReadOnly = true
	return l.isolate(func() error {
		db, err := pebble.Open(l.cfg.Dir, o)
		if err != nil {
			return asCorrupt(err)
		}
		l.db = db
		defer func() { l.db = nil }()
		return errors.Join(l.compareVouchers(vouchers), db.Close())
	})
}

func (l *Log) compareVouchers(vouchers []voucher) error {
	m, found, err := l.readMeta()
	if err != nil {
		return err
	}
	if !found {
		// Meta is synced before the first commit, with or without its voucher.
		return fmt.Errorf("write-ahead log holds commits, but no meta key can be read: %w", eventlog.ErrCorrupt)
	}
	number, _, err := l.getUint64(commitKeyOf(m.version))
	if err != nil {
		return fmt.Errorf("read commit number: %w", err)
	}
	for _, v := range vouchers {
		if v.durable > number && v.sum == voucherSum(m.secret, v.number, v.durable) {
			return fmt.Errorf("write-ahead log holds commits up to %d, only %d can be read: %w",
				v.durable, number, eventlog.ErrCorrupt)
		}
	}
	return nil
}
