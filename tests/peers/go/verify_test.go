package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// SAMPLE_LOG names a folder that `cargo run -p countersign-ledger --example sample_log -- FOLDER 70000` wrote. Run with
//
//	SAMPLE_LOG=FOLDER GO111MODULE=off GOPATH=/usr/share/gocode go test verify.go verify_test.go
func sample(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("SAMPLE_LOG")
	if folder == "" {
		t.Fatal("SAMPLE_LOG names no sample log")
	}
	copied := filepath.Join(t.TempDir(), "log")
	if out, err := exec.Command("cp", "-r", folder, copied).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return copied
}

func check(t *testing.T, folder string) (string, error) {
	t.Helper()
	vkey, err := os.ReadFile(filepath.Join(folder, "vkey"))
	if err != nil {
		t.Fatal(err)
	}
	return verify(folder, string(vkey), filepath.Join(folder, "checkpoint.older"), 100)
}

func TestAnHonestLogHolds(t *testing.T) {
	told, err := check(t, sample(t))
	if err != nil || !strings.Contains(told, "70000 entries") || !strings.Contains(told, "35000 entries of before") {
		t.Fatal(told, err)
	}
}

// flip changes one bit in the middle of a file, beyond an entry's length that may stand there.
func flip(folder, file string) error {
	file = filepath.Join(folder, file)
	bytes, err := os.ReadFile(file)
	if err == nil {
		bytes[len(bytes)/2+7] ^= 1
		err = os.WriteFile(file, bytes, 0o600)
	}
	return err
}

func cut(folder, file string) error {
	file = filepath.Join(folder, file)
	bytes, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, bytes[:len(bytes)-1], 0o600)
	}
	return err
}

func remove(folder, file string) error { return os.Remove(filepath.Join(folder, file)) }

// rename puts one file in another's place.
func rename(folder, files string) error {
	from, to, _ := strings.Cut(files, " ")
	return os.Rename(filepath.Join(folder, from), filepath.Join(folder, to))
}

// rewrite changes an entry and its hash, as somebody would who knows how a log is made.
func rewrite(folder, files string) error {
	bundle, tile, _ := strings.Cut(files, " ")
	if err := flip(folder, bundle); err != nil {
		return err
	}
	bytes, err := os.ReadFile(filepath.Join(folder, bundle))
	if err != nil {
		return err
	}
	var hashes []byte
	for len(bytes) > 0 {
		end := 2 + int(bytes[0])<<8 + int(bytes[1])
		hash := tlog.RecordHash(bytes[2:end])
		hashes, bytes = append(hashes, hash[:]...), bytes[end:]
	}
	return os.WriteFile(filepath.Join(folder, tile), hashes, 0o600)
}

func TestEveryChangeIsNoticedAndItsPlaceNamed(t *testing.T) {
	for _, change := range []struct {
		do    func(string, string) error
		file  string
		place string
	}{
		{flip, "checkpoint", "checkpoint:"},
		{cut, "checkpoint", "checkpoint:"},
		{remove, "checkpoint", "checkpoint:"},
		{flip, "checkpoint.older", "checkpoint.older:"},
		{flip, "tile/0/000", "entry 128: its hash is not the one in tile/0/000"},
		{flip, "tile/0/200", "entry 51328: its hash is not the one in tile/0/200"},
		{flip, "tile/0/273.p/112", "entry 69944: its hash is not the one in tile/0/273.p/112"},
		{flip, "tile/1/000", "tile/1/000: its hash 128 is not that of tile/0/128"},
		{flip, "tile/1/001.p/17", "tile/1/001.p/17: its hash 8 is not that of tile/0/264"},
		{flip, "tile/2/000.p/1", "tile/2/000.p/1: its hash 0 is not that of tile/1/000"},
		{cut, "tile/0/005", "tile/0/005: it has 8191 bytes"},
		{remove, "tile/0/005", "tile/0/005:"},
		{remove, "tile/0/273.p/112", "tile/0/273.p/112:"},
		{flip, "tile/entries/000", "entry 128: its hash is not the one in tile/0/000"},
		{flip, "tile/entries/273.p/112", "entry 69944: its hash is not the one in tile/0/273.p/112"},
		{cut, "tile/entries/273.p/112", "tile/entries/273.p/112: it ends within entry 111"},
		{remove, "tile/entries/100", "tile/entries/100:"},
		{rename, "tile/entries/100 tile/entries/101", "tile/entries/100:"},
		{rename, "tile/entries/101 tile/entries/100", "entry 25600:"},
		{rewrite, "tile/entries/100 tile/0/100", "tile/1/000: its hash 100 is not that of tile/0/100"},
		{rename, "checkpoint.older checkpoint", "checkpoint.older:"},
	} {
		folder := sample(t)
		if err := change.do(folder, change.file); err != nil {
			t.Fatal(change.file, err)
		}
		told, err := check(t, folder)
		if err == nil || !strings.Contains(err.Error(), change.place) {
			t.Errorf("%s: %q %v, not %q", change.file, told, err, change.place)
		}
	}
}
