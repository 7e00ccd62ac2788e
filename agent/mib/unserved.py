"""Mib room: what of the served modules is not there, or is there to be read alone, and why. A test holds these tables to the trees.

Objects are named by themselves or by the table that they stand in.
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

# Objects whose MAX-ACCESS would let a manager write them (RFC 2863 asks for no more than reading of those of IF-MIB).
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
