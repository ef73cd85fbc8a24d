// Run: the conformance suite.
package storetest

import (
	"embed"
	"path"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/store"
)

//go:embed testdata
var scripts embed.FS

// Opener opens the adapter's store in dir with the segments of m.
type Opener func(t testing.TB, dir string, m store.Manifest) (store.Store, error)

// Run holds the store that open opens to the contract.
func Run(t *testing.T, open Opener) {
	t.Helper()
	entries, err := scripts.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run("script/"+e.Name(), func(t *testing.T) {
			text, err := scripts.ReadFile(path.Join("testdata", e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, open)
			datadriven.RunTestFromString(t, string(text), w.command)
		})
	}
	for name, test := range map[string]func(*testing.T, Opener){
		"T1_batch_is_visible_as_a_whole":                    testBatchIsVisibleAsAWhole,
		"T2_snapshot_never_changes":                         testSnapshotNeverChanges,
		"T2_snapshot_never_changes_under_concurrent_writes": testSnapshotNeverChangesConcurrently,
		"T4_written_segments_are_not_read_until_installed":  testSegmentsAreNotReadUntilInstalled,
		"write_segments_again_gives_the_same_rows":          testWriteSegmentsAgain,
		"hostile_texts_are_inert":                           testHostileTextsAreInert,
		"S36_case_insensitive_is_simple_folding":            testSimpleFolding,
		"any_history_gives_the_same_answers":                testAnyHistoryGivesTheSameAnswers,
		"T10_erasure_takes_one_client_only":                 testErasureTakesOneClientOnly,
		"T11_dropped_rows_leave_their_cells":                testDroppedRowsLeaveTheirCells,
		"T11_days_add_up_after_a_change_of_zone":            testDaysAddUpAfterAChangeOfZone,
		"T11_drops_in_any_history":                          testDropsInAnyHistory,
		"T8_replacing_a_day_leaves_cells_of_the_next":       testReplacingADayLeavesCellsOfTheNext,
		"T8_cells_and_rows_answer_alike":                    testCellsAndRowsAnswerAlike,
		"archive_gives_back_what_a_fold_needs":              testArchiveGivesBackWhatAFoldNeeds,
		"S4_archive_keeps_order_and_clients":                testArchiveKeepsOrderAndClients,
		"replace_final_changes_days_of_one_property":        testReplaceFinal,
		"install_refuses_unknown_heads":                     testInstallRefusesUnknownHeads,
		"closed_store_answers_errors":                       testClosedStore,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}
