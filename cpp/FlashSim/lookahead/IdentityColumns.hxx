// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_IDENTITYCOLUMNS
#define FLASHSIM_IDENTITYCOLUMNS

#include <ROOT/RDF/RInterface.hxx>

#include <array>
#include <string>
#include <vector>

namespace FlashSim {

/// The columns that together identify an event, in this order. Random numbers depend on them, or on the event's entry
/// number where the dataset lacks one of them.
inline const std::array<std::string, 3> kIdentityColumns{"run", "luminosityBlock", "event"};

/// Columns of the result of a look-ahead: which RECO event of its fold, number of the GEN event, size of the fold.
inline const std::array<std::string, 3> kFoldColumns{"foldIndex", "genEvent", "foldSize"};

/// Whether the entries of a node are RECO events, known by kFoldColumns.
bool HasFolds(ROOT::RDF::RNode node);

/// A column that only some files of a dataset have.
struct PartialColumn {
   std::string fColumn;      ///< its name in the files
   std::string fFileWith;    ///< the first that has it
   std::string fFileWithout; ///< the first that lacks it
};

/// The identity columns that are read from the dataset's files, by their names there: all that are not defined
/// upstream.
std::vector<std::string> GetIdentityColumnsOfFiles(const ROOT::RDF::RNode &node);

/// \brief Whether events are identified by the same rule in all files of the dataset.
///
/// RDataFrame knows the columns of the first file only: random numbers would depend on the choice of the first file.
///
/// \param[in] node source of the GEN events
/// \param[in] partial those of GetIdentityColumnsOfFiles() that are not in all files
/// \throws std::runtime_error naming two files that differ
void CheckIdentity(ROOT::RDF::RNode node, const std::vector<PartialColumn> &partial);

} // namespace FlashSim

#endif
