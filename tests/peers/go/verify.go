// Is this log what its checkpoint says? Checked with the Go project's own implementation of notes and trees
// (golang.org/x/mod/sumdb), which shares nothing with ours: a folder laid out as the C2SP specification tlog-tiles has
// it, and a verifier key.
//
//	verify [-older FILE] [-proofs N] FOLDER VKEY
//
// It checks the note's signature, every entry against the tiles, every tile against the checkpoint, the inclusion of
// all entries (of about N, evenly spread, when there are more), and, given an older checkpoint, that the log only grew. Exits with 1 and names
// the place when something is wrong.
//
// Debian: apt-get install golang-go golang-golang-x-mod-dev, then
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run verify.go …
//
// verify_test.go changes a sample log in many ways and looks whether this notices.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

// folder reads tiles, each once.
type folder struct {
	root  string
	cache map[tlog.Tile][]byte
}

func (f *folder) Height() int { return height }

func (f *folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		bytes, err := f.read(tile)
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

// path is the specification's: Go's has the height in it, which is always 8 there.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

func (f *folder) read(tile tlog.Tile) ([]byte, error) {
	if bytes, ok := f.cache[tile]; ok {
		return bytes, nil
	}
	bytes, err := os.ReadFile(filepath.Join(f.root, path(tile)))
	if errors.Is(err, fs.ErrNotExist) && tile.W < width {
		// A log may drop a partial tile once the full one is there.
		full := tile
		full.W = width
		if bytes, err = os.ReadFile(filepath.Join(f.root, path(full))); err == nil {
			bytes = bytes[:smaller(len(bytes), tile.W*tlog.HashSize)]
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path(tile), err)
	}
	if len(bytes) != tile.W*tlog.HashSize {
		return nil, fmt.Errorf("%s: it has %d bytes, not %d", path(tile), len(bytes), tile.W*tlog.HashSize)
	}
	f.cache[tile] = bytes
	return bytes, nil
}

// checkpoint opens a signed checkpoint and returns its tree.
func checkpoint(file string, verifier note.Verifier) (tlog.Tree, error) {
	wrong := func(what any) (tlog.Tree, error) { return tlog.Tree{}, fmt.Errorf("%s: %v", filepath.Base(file), what) }
	bytes, err := os.ReadFile(file)
	if err != nil {
		return wrong(err)
	}
	signed, err := note.Open(bytes, note.VerifierList(verifier))
	if err != nil {
		return wrong(err)
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return wrong("not a checkpoint of " + verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return wrong("not a size: " + lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return wrong("not a root: " + lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// bundle reads the entries of one bundle of the log.
func (f *folder) bundle(index, count int64) ([][]byte, error) {
	name := path(tlog.Tile{H: height, L: 0, N: index, W: int(count)})
	name = strings.Replace(name, "tile/0/", "tile/entries/", 1)
	rest, err := os.ReadFile(filepath.Join(f.root, name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var entries [][]byte
	for len(rest) > 0 {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("%s: it ends within entry %d", name, len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		entries = append(entries, rest[2:end])
		rest = rest[end:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("%s: it has %d entries, not %d", name, len(entries), count)
	}
	return entries, nil
}

// level collects the hashes of one level of tiles, and compares each tile with its file when it is complete.
type level struct {
	index  int64
	hashes []tlog.Hash
}

// levels is the tree, grown from the entries. Go's tile reader trusts some tiles without comparing them with the tile
// above, so every tile is compared here.
type levels struct {
	tiles *folder
	all   []level
}

func (l *levels) push(at int, hash tlog.Hash) error {
	if at == len(l.all) {
		l.all = append(l.all, level{})
	}
	l.all[at].hashes = append(l.all[at].hashes, hash)
	if len(l.all[at].hashes) < width {
		return nil
	}
	if err := l.compare(at); err != nil {
		return err
	}
	root := rootOf(l.all[at].hashes)
	l.all[at] = level{index: l.all[at].index + 1}
	return l.push(at+1, root)
}

func (l *levels) compare(at int) error {
	tile := tlog.Tile{H: height, L: at, N: l.all[at].index, W: len(l.all[at].hashes)}
	bytes, err := l.tiles.read(tile)
	if err != nil {
		return err
	}
	for i, hash := range l.all[at].hashes {
		if string(hash[:]) != string(bytes[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			place := tile.N*width + int64(i)
			if at == 0 {
				return fmt.Errorf("entry %d: its hash is not the one in %s", place, path(tile))
			}
			return fmt.Errorf("%s: its hash %d is not that of %s", path(tile), i, path(tlog.Tile{H: height, L: at - 1, N: place, W: width}))
		}
	}
	return nil
}

// root compares the partial tiles and joins them to the tree's root.
func (l *levels) root() (tlog.Hash, error) {
	var edge []tlog.Hash
	for at := len(l.all) - 1; at >= 0; at-- {
		rest := l.all[at].hashes
		if len(rest) == 0 {
			continue
		}
		if err := l.compare(at); err != nil {
			return tlog.Hash{}, err
		}
		for half := width / 2; half > 0; half /= 2 {
			if len(rest) >= half {
				edge = append(edge, rootOf(rest[:half]))
				rest = rest[half:]
			}
		}
	}
	if len(edge) == 0 {
		// Go's package gives the empty tree another root than RFC 6962 does.
		return sha256.Sum256(nil), nil
	}
	root := edge[len(edge)-1]
	for i := len(edge) - 2; i >= 0; i-- {
		root = tlog.NodeHash(edge[i], root)
	}
	return root, nil
}

// rootOf hashes a complete subtree; hashes are a power of two in number.
func rootOf(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(rootOf(hashes[:half]), rootOf(hashes[half:]))
}

// grow reads all entries, and checks them and every tile against the checkpoint's root.
func grow(tree tlog.Tree, tiles *folder) error {
	grown := &levels{tiles: tiles}
	for index := int64(0); index*width < tree.N; index++ {
		entries, err := tiles.bundle(index, smaller(width, tree.N-index*width))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := grown.push(0, tlog.RecordHash(entry)); err != nil {
				return err
			}
		}
	}
	root, err := grown.root()
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("checkpoint: its root is not that of the entries")
	}
	return nil
}

// include proves entries with Go's own proofs, made from the tiles.
func include(tree tlog.Tree, tiles *folder, reader tlog.HashReader, proofs int64) (int, error) {
	step, proved := int64(1), 0
	if proofs > 0 && tree.N > proofs {
		step = tree.N / proofs
	}
	for at := int64(0); at < tree.N; at += step {
		entries, err := tiles.bundle(at/width, smaller(width, tree.N-at/width*width))
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveRecord(tree.N, at, reader)
		if err == nil {
			err = tlog.CheckRecord(proof, tree.N, tree.Hash, at, tlog.RecordHash(entries[at%width]))
		}
		if err != nil {
			return 0, fmt.Errorf("entry %d: %w", at, err)
		}
		proved++
	}
	return proved, nil
}

func verify(root, vkey, older string, proofs int64) (string, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	tree, err := checkpoint(filepath.Join(root, "checkpoint"), verifier)
	if err != nil {
		return "", err
	}
	tiles := &folder{root: root, cache: map[tlog.Tile][]byte{}}
	reader := tlog.TileHashReader(tree, tiles)
	if err := grow(tree, tiles); err != nil {
		return "", err
	}
	proved, err := include(tree, tiles, reader, proofs)
	if err != nil {
		return "", err
	}
	told := fmt.Sprintf("ok: %s, %d entries, %d inclusion proofs", verifier.Name(), tree.N, proved)
	if older == "" {
		return told, nil
	}
	before, err := checkpoint(older, verifier)
	if err != nil {
		return "", err
	}
	if err := consistent(before, tree, reader); err != nil {
		return "", fmt.Errorf("%s: the log does not continue it: %w", filepath.Base(older), err)
	}
	return fmt.Sprintf("%s, continues its %d entries of before", told, before.N), nil
}

func consistent(before, now tlog.Tree, reader tlog.HashReader) error {
	if before.N > now.N {
		return fmt.Errorf("it has %d entries, the log %d", before.N, now.N)
	}
	if before.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(now.N, before.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, now.N, now.Hash, before.N, before.Hash)
}

func smaller[T int | int64](a, b T) T {
	if a < b {
		return a
	}
	return b
}

func main() {
	older := flag.String("older", "", "an older checkpoint `file` that the log must continue")
	proofs := flag.Int64("proofs", 1000, "check the inclusion of about so `many` entries, evenly spread; 0 for all")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: verify [-older FILE] [-proofs N] FOLDER VKEY")
		os.Exit(2)
	}
	told, err := verify(flag.Arg(0), flag.Arg(1), *older, *proofs)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(told)
}
