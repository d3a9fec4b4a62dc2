package term

import "errors"

// singleKeys is not supported on consoles, because a read of a console cannot be ended.
func singleKeys(int) (restore func(), ok bool) { return nil, false }

func readKey(int) (key byte, pressed bool, err error) { return 0, false, errors.ErrUnsupported }
