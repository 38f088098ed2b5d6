package buffer

import (
	"encoding/binary"
	"fmt"
)

// In journals of version 1 the data keys lay in the store, each wrapped with the device key.
const (
	wrappedVersion = 1
	wrappedCheck   = "acs-agent journal"
)

// gatherKeys makes the key ring of a journal of version 1. check is what proves the device key there.
func (j *Journal) gatherKeys(check []byte) error {
	if j.keys.generation == 0 {
		device := j.keys.devices[0]
		plain, err := device.Open(nil, nil, check, []byte{domainMeta, wrappedVersion})
		if err != nil || string(plain) != wrappedCheck {
			return fmt.Errorf("%w in %s is not the one with which the journal was made: put the right file back (nothing has been changed)",
				ErrKey, j.opts.KeyFile)
		}
		var keys []dataKey
		for _, kind := range []byte{kindKey, kindAsideKey} {
			err := j.each(stateKey(kind), func(key, value []byte) error {
				if len(value) < 8 {
					return nil
				}
				number := binary.BigEndian.Uint32(key[2:])
				place := key
				if kind == kindKey {
					place = keyPlace(number, binary.BigEndian.Uint64(value))
				}
				plain, err := unwrap(device, value[8:], place)
				if err != nil {
					j.report(fmt.Errorf("data key %d of the journal is damaged: %w", number, err))
					return nil
				}
				keys = append(keys, dataKey{kind, number, plain})
				return nil
			})
			if err != nil {
				return err
			}
		}
		if err := j.keys.save(keys, j.keys.devices); err != nil {
			return err
		}
	}
	return j.store([]entry{{key: stateKey(kindMeta), value: []byte{schemaVersion}}})
}
