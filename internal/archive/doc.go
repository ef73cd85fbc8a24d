// Package archive keeps final days as Parquet files in an object store (package blob), one
// edition of each day at a time, for other programs to read and to restore a store from.
//
// It decides nothing that is counted and makes no rows: a Source gives out final
// rows as files (store.Export), and whoever restores gives fetched files to a
// store.Importer. docs/format/archive.md has the layout, docs/design/0021 the reasons.
//
// An entry says what the archive holds of a range of time of a property: a local day,
// and days without rows before it. Entries are created, never replaced: what changes a day
// makes an entry of the next edition, and of several the highest edition counts.
// Ranges of a property begin at 0 and meet: each instant up to the last one's end is
// in one of them.
//
// Guarantees:
//
//	AR1  A day is there as a whole or not at all: its entry is created when all objects that it
//	     names are acknowledged, and no object that the newest entry of a range names is
//	     ever deleted or replaced by an archiver.
//	AR2  However many archivers run, and wherever they end, each final row of an archived range
//	     is once in the objects of its newest entry.
//	AR3  Rows of a range are those of the source at the entry's Version. An archiver whose
//	     source is older than what is archived changes nothing (ErrSourceIsOlder).
//	AR4  Once a Round that began after rows were erased or dropped from the source returned nil,
//	     no object holds them, unless an archiver that was slower puts one there later;
//	     the next Sweep deletes that.
//	AR5  Whoever reads compares what comes with size and checksum of the entry, and entries
//	     with their own: damage is blob.ErrCorrupt.
//	AR6  Memory is bounded by the entries of one property; files pass through the disk.
//
// Why AR1 and AR2 hold. The key of an entry is its range's beginning and its edition, and
// blob.Store.Create lets one of several through. Keys of objects have the checksum
// of their bytes in them, so two archivers that write one edition never replace each other's
// objects by others. Objects are deleted if the range has an entry of their edition or a
// higher one that does not name them: whoever still writes them can no longer create
// that entry. Objects of editions without an entry may be somebody's work.
//
// Concurrency: an Archiver is for one goroutine; a Reader for any.
//
// Start reading at entry.go, archiver.go, day.go.
package archive
