// Inventories come from a bucket that others can write to.
package remote

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func FuzzInventory(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "inventory-v1.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{"version":1,"name":"7/3-5","files":[{"name":"../x","size":9223372036854775807,"pieces":[{"save":"","size":-1}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		inv, err := decodeInventory(b, name{7, 3, 5})
		if err != nil {
			return
		}
		total := int64(0)
		for _, file := range inv.Files {
			if filepath.Base(file.Name) != file.Name || file.Name[0] == '.' {
				t.Fatalf("file name %q makes a path", file.Name)
			}
			for _, p := range file.Pieces {
				if _, _, err := p.key(7); err != nil {
					t.Fatal(err)
				}
				total += p.Size
			}
		}
		again, err := inv.encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeInventory(again, name{7, 3, 5}); err != nil || !reflect.DeepEqual(back.normal(), inv.normal()) || total < 0 {
			t.Fatalf("written again it is another: %v", err)
		}
	})
}

// normal makes empty lists equal to missing ones.
func (inv *inventory) normal() *inventory {
	n := *inv
	n.Files = nil
	for _, f := range inv.Files {
		if len(f.Pieces) == 0 {
			f.Pieces = nil
		}
		n.Files = append(n.Files, f)
	}
	return &n
}
