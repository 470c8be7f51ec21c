#include "platform/sql/mysql_error.h"

#include "absl/strings/str_cat.h"
#include "platform/strings.h"

namespace rematch::sql {
namespace {

enum : int {
  // Below come the errors that server and library share: files that cannot be made, read or removed, no memory, a full disk. They name
  // files of the server, never values.
  kServerFirst = 1000,
  kTooManyConnections = 1040,
  kOutOfMemory = 1041,
  kAccessDeniedToSchema = 1044,
  kAccessDenied = 1045,
  kNotReady = 1047,  // "WSREP has not yet prepared node for application use"; ER_UNKNOWN_COM_ERROR
  kNoSchemaSelected = 1046,
  kUnknownSchema = 1049,
  kTableExists = 1050,
  kUnknownTable = 1051,
  kShutdown = 1053,
  kUnknownColumn = 1054,
  kDuplicateColumn = 1060,
  kDuplicateKeyName = 1061,
  kDuplicateEntry = 1062,
  kCannotDrop = 1091,
  kColumnCount = 1136,
  kTableAccessDenied = 1142,
  kColumnAccessDenied = 1143,
  kNoSuchTable = 1146,
  kNetReadError = 1158,
  kNetReadInterrupted = 1159,
  kNetErrorOnWrite = 1160,
  kNetWriteInterrupted = 1161,
  kErrorDuringCommit = 1180,
  kNewAbortingConnection = 1184,
  kUserConnections = 1203,
  kLockWaitTimeout = 1205,
  kDeadlock = 1213,
  kUserLimit = 1226,
  kOptionPrevents = 1290,  // --read-only
  kQueryInterrupted = 1317,
  kTableChanged = 1412,
  kTooManyPrepared = 1461,  // max_prepared_stmt_count, of all connections of the server
  kPrepareAgain = 1615,
  kRecordChanged = 1020,
  kDiskFull = 1021,
  kTableFull = 1114,
  kErrorWriting = 1026,
  kErrorReading = 1024,
  kEngineError = 1030,
  kPasswordExpired = 1820,
  kReadOnlyMode = 1836,
  kConnectionKilled = 1927,
  kIdleInTransaction = 4031,  // MySQL: disconnected because of inactivity
  kMustChangePassword = 1862,
  kDuplicateConstraint = 1826,
  kDuplicateCheck = 3822,
  kNoDefault = 1364,
  kCannotBeNull = 1048,
  kTooLong = 1406,
  kCheckMysql = 3819,
  kCheckMariadb = 4025,
  // Of the client library.
  kClientFirst = 2000,
  kCannotConnectSocket = 2002,
  kCannotConnect = 2003,
  kUnknownHost = 2005,
  kGoneAway = 2006,
  kLost = 2013,
  kTls = 2026,
  kLostExtended = 2055,
  kClientLast = 2999,
};

// It broke.
bool IsConnectionLost(int number) {
  switch (number) {
    case kShutdown:
    case kNetReadError:
    case kNetReadInterrupted:
    case kNetErrorOnWrite:
    case kNetWriteInterrupted:
    case kNewAbortingConnection:
    case kConnectionKilled:
    case kIdleInTransaction:
    case kNotReady:  // the node left its cluster: another one may do
      return true;
    default:
      return number >= kClientFirst && number <= kClientLast;
  }
}

}  // namespace

Failure ClassifyMysqlError(int number, MysqlPhase phase) {
  if (phase == MysqlPhase::kConnecting) return Failure::kUnavailable;
  if (number == kErrorDuringCommit) return Failure::kUnknownCommit;
  if (IsConnectionLost(number)) return phase == MysqlPhase::kCommit ? Failure::kUnknownCommit : Failure::kRetry;
  if (number > 0 && number < kServerFirst) return Failure::kUnavailable;
  switch (number) {
    case kDeadlock:  // and a failed certification, in which nothing took place either
    case kRecordChanged:
    case kTableChanged:
    case kTooManyPrepared:
    case kPrepareAgain:
      return Failure::kRetry;
    case kQueryInterrupted:
      return phase == MysqlPhase::kCommit ? Failure::kUnknownCommit : Failure::kRetry;
    case kLockWaitTimeout:
      return Failure::kLockWait;
    case kDuplicateEntry:
      return Failure::kConflict;
    case kTooManyConnections:
    case kOutOfMemory:
    case kUserConnections:
    case kUserLimit:
    case kDiskFull:
    case kTableFull:
    case kErrorWriting:
    case kErrorReading:
    case kEngineError:
    case kOptionPrevents:
    case kReadOnlyMode:
    // Rights and tables that somebody has to put right: what was asked for may be fine.
    case kAccessDenied:
    case kAccessDeniedToSchema:
    case kTableAccessDenied:
    case kColumnAccessDenied:
    case kNoSchemaSelected:
    case kUnknownSchema:
    case kNoSuchTable:
    case kUnknownColumn:
    case kPasswordExpired:
    case kMustChangePassword:
      return Failure::kUnavailable;
    default:
      return phase == MysqlPhase::kCommit ? Failure::kUnknownCommit : Failure::kSplit;
  }
}

bool IsConnectionUseless(int number, MysqlPhase phase) {
  return IsConnectionLost(number) || number == kTooManyPrepared || ClassifyMysqlError(number, phase) == Failure::kUnavailable;
}

bool IsDoneAlready(int number) {
  switch (number) {
    case kTableExists:
    case kUnknownTable:
    case kDuplicateColumn:
    case kDuplicateKeyName:
    case kCannotDrop:
    case kDuplicateConstraint:
    case kDuplicateCheck:
      return true;
    default:
      return false;
  }
}

std::string DescribeMysqlError(int number, std::string_view message) {
  const std::string text = absl::StrCat("mysql error ", number);
  if (number > 0 && number < kServerFirst) return absl::StrCat(text, ", ", ToAbsl(message));
  switch (number) {
    case kDuplicateEntry: {
      // Duplicate entry 'VALUE' for key 'NAME': what comes last is the schema's.
      const size_t key = message.rfind(" for key ");
      return key == message.npos ? text : absl::StrCat(text, ToAbsl(message.substr(key)));
    }
    // These name tables, columns, users, hosts and options, never values.
    case kAccessDenied:
    case kAccessDeniedToSchema:
    case kCannotBeNull:
    case kCannotConnect:
    case kCannotConnectSocket:
    case kCheckMariadb:
    case kCheckMysql:
    case kColumnAccessDenied:
    case kColumnCount:
    case kConnectionKilled:
    case kDeadlock:
    case kDiskFull:
    case kGoneAway:
    case kIdleInTransaction:
    case kLockWaitTimeout:
    case kLost:
    case kLostExtended:
    case kNoDefault:
    case kNoSuchTable:
    case kNotReady:
    case kOptionPrevents:
    case kPasswordExpired:
    case kReadOnlyMode:
    case kTableAccessDenied:
    case kTableExists:
    case kTableFull:
    case kTls:
    case kTooLong:
    case kTooManyConnections:
    case kUnknownColumn:
    case kUnknownHost:
    case kUnknownSchema:
    case kUserConnections:
      return absl::StrCat(text, ", ", ToAbsl(message));
    default:
      return text;
  }
}

}  // namespace rematch::sql
