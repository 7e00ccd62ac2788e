"""Mib room: the objects of the served modules that are not served, or served read-only, each with the reason.

An object is named by itself or by its table. A test compares these tables with the trees.
"""

from __future__ import annotations

from collections.abc import Mapping

SERVED_MODULES = (
    "CISCO-IPSEC-FLOW-MONITOR-MIB",
    "CISCO-IPSEC-MIB",
    "CISCO-IPSEC-POLICY-MAP-MIB",
    "CISCO-CONTEXT-MAPPING-MIB",
    "SNMPv2-MIB",
    "IF-MIB",
    "SNMP-FRAMEWORK-MIB",
    "SNMP-MPD-MIB",
    "SNMP-TARGET-MIB",
    "SNMP-NOTIFICATION-MIB",
    "SNMP-USER-BASED-SM-MIB",
    "SNMP-VIEW-BASED-ACM-MIB",
    "SNMP-COMMUNITY-MIB",
)

UNSERVED: Mapping[str, str] = {
    "cContextMappingBridgeDomainTable": "contexts of bridge domains: there are none, a context here is a VRF's",
    "cContextMappingBridgeInstanceTable": "contexts of bridge instances: there are none, a context here is a VRF's",
    "cContextMappingLicenseGroupTable": "contexts of licence groups: there are none, a context here is a VRF's",
    "ifTableLastChange": "of IF-MIB ifNumber, ifTable and ifXTable are served",
    "ifStackLastChange": "of IF-MIB ifNumber, ifTable and ifXTable are served",
    "ifStackTable": "of IF-MIB ifNumber, ifTable and ifXTable are served",
    "ifRcvAddressTable": "of IF-MIB ifNumber, ifTable and ifXTable are served",
    "ifTestTable": "of IF-MIB ifNumber, ifTable and ifXTable are served",
}

# Objects that their MAX-ACCESS allows to be written. Of IF-MIB, RFC 2863 requires no more than reading these.
_CONFIGURED = "SNMP is administered by the configuration"
READ_ONLY: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "snmpTargetSpinLock",
            "snmpTargetAddrTable",
            "snmpTargetParamsTable",
            "snmpTargetAddrExtTable",
            "snmpNotifyTable",
            "snmpNotifyFilterProfileTable",
            "snmpNotifyFilterTable",
            "usmUserSpinLock",
            "usmUserTable",
            "vacmSecurityToGroupTable",
            "vacmAccessTable",
            "vacmViewSpinLock",
            "vacmViewTreeFamilyTable",
            "snmpCommunityTable",
        ),
        _CONFIGURED,
    ),
    "cContextMappingTable": "contexts follow the configuration of the VRFs",
    "ifLinkUpDownTrapEnable": "switched for the whole router by `snmp-server enable traps snmp linkup linkdown`",
    "ifPromiscuousMode": "no interface here can be told to take in what is not for it",
}
