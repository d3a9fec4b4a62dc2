package wasi

import "syscall"

// systemCode returns the case for an error number of Windows, "" if there is none. The numbers
// are those of winerror.h; package syscall has names for a few of them only.
func systemCode(e syscall.Errno) string {
	switch e {
	case 2, 3, 15, 53, 67, 123, 161: // FILE_, PATH_NOT_FOUND, INVALID_DRIVE, …, INVALID_NAME
		return "no-entry"
	case 5, 32, 33: // ACCESS_DENIED, SHARING_, LOCK_VIOLATION
		return "access"
	case 1314: // PRIVILEGE_NOT_HELD
		return "not-permitted"
	case 80, 183: // FILE_EXISTS, ALREADY_EXISTS
		return "exist"
	case 267: // DIRECTORY
		return "not-directory"
	case 336: // DIRECTORY_NOT_SUPPORTED
		return "is-directory"
	case 145: // DIR_NOT_EMPTY
		return "not-empty"
	case 87, 131, 4390: // INVALID_PARAMETER, NEGATIVE_SEEK, NOT_A_REPARSE_POINT
		return "invalid"
	case 6: // INVALID_HANDLE
		return "bad-descriptor"
	case 21, 170: // NOT_READY, BUSY
		return "busy"
	case 681, 1921: // STOPPED_ON_SYMLINK, CANT_RESOLVE_FILENAME
		return "loop"
	case 4, 8, 14: // TOO_MANY_OPEN_FILES, NOT_ENOUGH_MEMORY, OUTOFMEMORY
		return "insufficient-memory"
	case 39, 112: // HANDLE_DISK_FULL, DISK_FULL
		return "insufficient-space"
	case 1295: // DISK_QUOTA_EXCEEDED
		return "quota"
	case 223: // FILE_TOO_LARGE
		return "file-too-large"
	case 111, 206: // BUFFER_OVERFLOW, FILENAME_EXCED_RANGE
		return "name-too-long"
	case 1142: // TOO_MANY_LINKS
		return "too-many-links"
	case 17: // NOT_SAME_DEVICE
		return "cross-device"
	case 19: // WRITE_PROTECT
		return "read-only"
	case 1, 50: // INVALID_FUNCTION, NOT_SUPPORTED
		return "unsupported"
	case 109, 232: // BROKEN_PIPE, NO_DATA
		return "pipe"
	}
	return ""
}
