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
