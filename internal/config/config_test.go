// The corpus of good and bad files, and the values that print themselves.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func env(name string) (string, bool) {
	v, ok := map[string]string{"TIDEMARK_HOST": "stats.example.com", "KAFKA_PASSWORD": "secret",
		"DATABASE_URL": "postgres://db/tidemark", "SALT_KEY": "0123456789abcdef", "S3_SECRET": "hidden", "CLICKHOUSE_PASSWORD": "hidden", "TIDEMARK_EMPTY": ""}[name]
	return v, ok
}

func corpus(t *testing.T, kind string, f func(t *testing.T, text string)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", kind, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f(t, string(text))
		})
	}
}

func TestGoodFilesAreTaken(t *testing.T) {
	corpus(t, "good", func(t *testing.T, text string) {
		if _, err := Parse([]byte(text), env); err != nil {
			t.Error(err)
		}
	})
}

// A bad file begins with the exact lines of its error.
func TestCF1_CF2_BadFilesSayExactlyWhatIsWrong(t *testing.T) {
	corpus(t, "bad", func(t *testing.T, text string) {
		var want []string
		for line := range strings.Lines(text) {
			if w, ok := strings.CutPrefix(line, "# want: "); ok {
				want = append(want, strings.TrimSpace(w))
			}
		}
		_, err := Parse([]byte(text), env)
		if err == nil {
			t.Fatal("was taken")
		}
		if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
	})
}

func TestFullFileSetsEveryKey(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "good", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(text, env)
	if err != nil {
		t.Fatal(err)
	}
	var same []string
	unchanged(reflect.ValueOf(c), reflect.ValueOf(Default()), "", &same)
	if len(same) > 0 {
		t.Errorf("these keys are missing in good/full.yaml or have their default there: %v", same)
	}
	if c.DataDir != "/var/lib/tidemark" || c.HTTP.PublicURL != "https://stats.example.com" ||
		c.EventLog.MaxBytes != 100e9 || c.Geo.Ranges != "/usr/share/geo/$ranges.txt" {
		t.Errorf("got %+v", c)
	}
}

// unchanged lists keys that have one value in both. Left out are a key whose default is the
// number of processors, which may be equal by chance, and one that another key excludes.
func unchanged(a, b reflect.Value, path string, out *[]string) {
	for name, i := range fieldsOf(a.Type()) {
		full := strings.TrimPrefix(path+"."+name, ".")
		if a.Field(i).Kind() == reflect.Struct {
			unchanged(a.Field(i), b.Field(i), full, out)
		} else if reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) && full != "processor.workers" && full != "objects.dir" && full != "archive.dir" {
			*out = append(*out, full)
		}
	}
}

func TestEveryFieldHasAKeyAndADecoder(t *testing.T) {
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if got, want := len(fieldsOf(v.Type())), v.NumField(); got != want {
			t.Errorf("%s has %d fields and %d keys", path, want, got)
		}
		for name, i := range fieldsOf(v.Type()) {
			switch f := v.Field(i); f.Kind() {
			case reflect.Struct:
				walk(f, path+"."+name)
			case reflect.Slice:
			default:
				if err := set(f, "?"); err != nil && strings.HasPrefix(err.Error(), "BUG") {
					t.Errorf("%s.%s: %v", path, name, err)
				}
			}
		}
	}
	c := Default()
	walk(reflect.ValueOf(&c).Elem(), "config")
}

func TestCF3_DefaultsAreValid(t *testing.T) {
	c, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c); diff != "" {
		t.Errorf("without a file (-want +got):\n%s", diff)
	}
	empty, err := Parse(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), empty); diff != "" {
		t.Errorf("empty file (-want +got):\n%s", diff)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tidemark.yaml")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got error %v", err)
	}
	if err := os.WriteFile(path, []byte("a: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), path+":\nnot YAML: ") {
		t.Errorf("broken file: got error %v", err)
	}
}

func TestSizesReadAsTheyPrint(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1024": 1024, "64 MiB": 64 << 20, "64MiB": 64 << 20, "2GB": 2e9, "1 kB": 1000, "3 TiB": 3 << 40, "7 B": 7,
	} {
		got, err := ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
		if again, err := ParseSize(got.String()); err != nil || again != got {
			t.Errorf("%q prints as %q, which reads as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5 GiB", "9223372036854775807 KiB", "1 MiBs"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q was taken as %d", text, got)
		}
	}
}

func TestCF4_SecretIsNotPrinted(t *testing.T) {
	s := struct{ Key Secret }{"hunter2"}
	js, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", s.Key)
	all := fmt.Sprintf("%v %+v %#v %s %q %s %s", s, s, s, s.Key, s.Key, js, log.String())
	if strings.Contains(all, "hunter2") {
		t.Errorf("it is in %s", all)
	}
	if s.Key.Reveal() != "hunter2" || Secret("").String() != "" {
		t.Error("a secret does not reveal itself, or an empty one looks set")
	}
}

func TestWarningsExplain(t *testing.T) {
	c := Default()
	c.HTTP.Listen, c.EventLog.MaxBytes, c.Processor.CheckpointInterval = "0.0.0.0:80", 0, time.Hour
	var keys []string
	for _, w := range c.Warnings() {
		keys = append(keys, w.Key)
	}
	want := []string{"http.listen", "geo.database", "processor.checkpoint_interval", "eventlog.max_bytes"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestServerFileIsReadAsWritten(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadServer(dir); !errors.Is(err, ErrNoServer) {
		t.Errorf("before: got error %v", err)
	}
	want := Server{URL: "http://127.0.0.1:1", PID: 7, Version: "v1", Started: time.Unix(5, 0).UTC()}
	if err := WriteServer(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadServer(dir)
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for range 2 {
		if err := RemoveServer(dir); err != nil {
			t.Error(err)
		}
	}
	if _, err := ReadServer(dir); !errors.Is(err, ErrNoServer) {
		t.Errorf("after: got error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("http: {listen: \"${X:-127.0.0.1:1}\"}")
	f.Add("a: &a [*a]")
	f.Add("store:\n  threads: ${")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := Parse([]byte(text), env); err == nil && c.Validate() != nil {
			t.Error("an invalid configuration was taken")
		}
	})
}
