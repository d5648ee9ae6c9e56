// Give claims about a log to Go's x/mod/sumdb; print how many of each kind it accepted.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type claim struct {
	Vkey        string   `json:"vkey"`
	Checkpoint  string   `json:"checkpoint"`
	Size        int64    `json:"size"`
	Root        []byte   `json:"root"`
	Index       int64    `json:"index"`
	Entry       []byte   `json:"entry"`
	Inclusion   [][]byte `json:"inclusion"`
	Earlier     int64    `json:"earlier"`
	EarlierRoot []byte   `json:"earlier_root"`
	Consistency [][]byte `json:"consistency"`
}

func hash(data []byte) (h tlog.Hash) {
	copy(h[:], data)
	return
}

func hashes(list [][]byte) (out []tlog.Hash) {
	for _, one := range list {
		out = append(out, hash(one))
	}
	return
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	accepted := map[string]int{"checkpoints": 0, "inclusions": 0, "consistencies": 0}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var c claim
		if err := json.Unmarshal(scanner.Bytes(), &c); err != nil {
			panic(err)
		}
		verifier, err := note.NewVerifier(c.Vkey)
		if err != nil {
			panic(err)
		}
		opened, err := note.Open([]byte(c.Checkpoint), note.VerifierList(verifier))
		want := fmt.Sprintf("%s\n%d\n%s\n", verifier.Name(), c.Size, hash(c.Root))
		if err == nil && strings.TrimSpace(opened.Text) == strings.TrimSpace(want) {
			accepted["checkpoints"]++
		}
		leaf := tlog.RecordHash(c.Entry)
		if tlog.CheckRecord(tlog.RecordProof(hashes(c.Inclusion)), c.Size, hash(c.Root), c.Index, leaf) == nil {
			accepted["inclusions"]++
		}
		proof := tlog.TreeProof(hashes(c.Consistency))
		if tlog.CheckTree(proof, c.Size, hash(c.Root), c.Earlier, hash(c.EarlierRoot)) == nil {
			accepted["consistencies"]++
		}
	}
	json.NewEncoder(os.Stdout).Encode(accepted)
}
