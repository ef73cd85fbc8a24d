// The reference keeps the contract, too.
package storetest_test

import (
	"strings"
	"testing"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

func TestMemKeepsTheContract(t *testing.T) {
	disks := map[string]*storetest.Disk{}
	storetest.Run(t, func(_ testing.TB, dir string, m store.Manifest) (store.Store, error) {
		dir = strings.TrimSuffix(dir, "/"+storetest.ShadowDir) // a shadow is on the same disk
		if disks[dir] == nil {
			disks[dir] = storetest.NewDisk()
		}
		return storetest.OpenMem(disks[dir], m)
	})
}

// sharedKit opens MemShared.
type sharedKit struct {
	rows map[string]*storetest.SharedRows
}

func (k sharedKit) Open(_ testing.TB, name, log string, faults *storetest.Faults) store.Shared {
	if k.rows[name] == nil {
		k.rows[name] = storetest.NewSharedRows()
	}
	return storetest.NewMemShared(k.rows[name], log, faults)
}

func (k sharedKit) Crash(testing.TB) {}

func TestMemSharedKeepsTheContract(t *testing.T) {
	storetest.RunShared(t, sharedKit{rows: map[string]*storetest.SharedRows{}})
}

func TestMemSharedKeepsTheContractOfUpkeep(t *testing.T) {
	storetest.RunKeeper(t, sharedKit{rows: map[string]*storetest.SharedRows{}})
}
