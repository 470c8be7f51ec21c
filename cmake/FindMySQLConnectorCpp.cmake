# MySQL Connector/C++ 1.1 (Debian: libmysqlcppconn-dev): the target MySQL::ConnectorCpp.
find_path(MYSQL_CONNECTOR_CPP_INCLUDE_DIR mysql_driver.h REQUIRED)
find_library(MYSQL_CONNECTOR_CPP_LIBRARY mysqlcppconn REQUIRED)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MySQLConnectorCpp DEFAULT_MSG MYSQL_CONNECTOR_CPP_LIBRARY MYSQL_CONNECTOR_CPP_INCLUDE_DIR)
mark_as_advanced(MYSQL_CONNECTOR_CPP_INCLUDE_DIR MYSQL_CONNECTOR_CPP_LIBRARY)
if(MySQLConnectorCpp_FOUND AND NOT TARGET MySQL::ConnectorCpp)
  add_library(MySQL::ConnectorCpp UNKNOWN IMPORTED)
  set_target_properties(MySQL::ConnectorCpp PROPERTIES IMPORTED_LOCATION ${MYSQL_CONNECTOR_CPP_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${MYSQL_CONNECTOR_CPP_INCLUDE_DIR})
endif()
