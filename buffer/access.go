package buffer

import (
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// entry is one change of the store; without a value it deletes the key.
type entry struct{ key, value []byte }

// store makes all changes or none, and returns when they are on disk. Only the writer calls it, and Open before that.
func (j *Journal) store(entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	began := time.Now()
	for {
		err := j.commit(entries)
		if !errors.Is(err, badger.ErrBlockedWrites) || time.Since(began) > j.opts.tuning.patience {
			return err
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // a deletion is about to end, and nobody may interrupt a write
	}
}

func (j *Journal) commit(entries []entry) error {
	txn := j.db.NewTransaction(true)
	defer txn.Discard()
	bytes := 0
	for _, e := range entries {
		var err error
		if e.value == nil {
			err = txn.Delete(e.key)
		} else {
			err = txn.Set(e.key, e.value)
		}
		if err != nil {
			return fmt.Errorf("prepare %d changes: %w", len(entries), err)
		}
		bytes += len(e.key) + len(e.value)
	}
	err := errors.Join(j.opts.tuning.commitError(), j.sound())
	if err == nil {
		err = txn.Commit()
	}
	if err != nil {
		return fmt.Errorf("store %d changes: %w", len(entries), err)
	}
	j.commits.Add(1)
	j.space.wrote(bytes)
	return nil
}

// get reads one value, or badger.ErrKeyNotFound.
func (j *Journal) get(key []byte) (value []byte, err error) {
	err = j.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if err != nil {
			return err
		}
		value, err = item.ValueCopy(nil)
		return err
	})
	if bad := j.sound(); bad != nil {
		return nil, bad
	}
	return value, err
}

// each calls visit for all records below prefix; key and value are valid during the call only.
func (j *Journal) each(prefix []byte, visit func(key, value []byte) error) error {
	return j.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			if err := item.Value(func(value []byte) error { return visit(item.Key(), value) }); err != nil {
				return err
			}
		}
		return j.sound()
	})
}

// eachKey is each without reading the values.
func (j *Journal) eachKey(prefix []byte, visit func(key []byte) error) error {
	return j.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := visit(it.Item().Key()); err != nil {
				return err
			}
		}
		return j.sound()
	})
}

// empty says whether there is no key below prefix.
func (j *Journal) empty(prefix []byte) (empty bool, err error) {
	err = j.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		it.Rewind()
		empty = !it.Valid()
		return j.sound()
	})
	return empty, err
}

// passIterator reads no values ahead: that would take a goroutine for each.
func passIterator(reverse bool) badger.IteratorOptions {
	return badger.IteratorOptions{Prefix: []byte{prefixPass}, Reverse: reverse}
}
